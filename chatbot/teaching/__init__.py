"""People teach the bot: judged answers become test questions, which test runs ask again."""
