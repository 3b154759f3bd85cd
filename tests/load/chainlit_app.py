"""What a Python team would write first: Chainlit, streaming from the same model server."""

import os

import chainlit
import openai

model = openai.AsyncOpenAI(base_url=os.environ["SLM_URL"], api_key="none")


@chainlit.on_message
async def answer(message: chainlit.Message) -> None:
    reply = chainlit.Message(content="")
    stream = await model.chat.completions.create(
        model="stub", messages=[{"role": "user", "content": message.content}], stream=True
    )
    async for chunk in stream:
        if token := chunk.choices[0].delta.content:
            await reply.stream_token(token)
    await reply.update()
