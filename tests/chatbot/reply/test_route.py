"""Who answers, from the customer's words alone."""

from django.test import SimpleTestCase

from chatbot.reply.route import Target, decide


class RouteTests(SimpleTestCase):
    def assert_routes(self, target: Target, texts: list[str]) -> None:
        for text in texts:
            self.assertEqual(decide(text).target, target, text)

    def test_a_wish_for_a_person_is_heard_in_many_words(self) -> None:
        self.assert_routes(
            Target.HUMAN,
            [
                "Could I speak to somebody in your team?",
                "put me through to your supervisor right now!!",
                "HUMAN PLEASE",
                "agent",
                "I'd rather talk to a real human being",
                "i need a live agent",
                "stop with the bot, not a robot please",
                "is there anyone or are there any agents available? is there an agent available",
                "let me chat with customer service",
            ],
        )

    def test_a_question_that_names_a_person_is_still_a_question(self) -> None:
        self.assert_routes(
            Target.BOT,
            [
                "Your agent told me the parcel was sent, was it?",
                "What is the e-mail address of customer service?",
                "Who is the person that signed for my parcel?",
                "Can I get a personal discount?",
                "Where is my order 10482?",
                "I need a tent for four people",
            ],
        )

    def test_small_talk_needs_no_record(self) -> None:
        self.assert_routes(
            Target.CHAT,
            [
                "hi there",
                "Good evening!",
                "thank you so much",
                "ok perfect, thanks",
                "bye",
                "👍",
                "how are you?",
            ],
        )

    def test_small_talk_with_a_question_is_a_question(self) -> None:
        self.assert_routes(
            Target.BOT,
            [
                "hi, where is my parcel?",
                "thanks, and when does it arrive?",
                "can you help me switch user?",
                "no refund yet",
            ],
        )
