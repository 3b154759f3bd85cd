"""What nobody waits for."""

from asgiref.sync import async_to_sync
from celery import shared_task

from chatbot import hints
from chatbot.reply import runner


@shared_task
def recover_replies() -> int:
    """Finish replies whose process died. Web processes do the same while one is alive."""
    return async_to_sync(recover)()


async def recover() -> int:
    count = await runner.recover()
    await hints.delivered()
    return count
