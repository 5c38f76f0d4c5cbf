"""What chat templates put around messages, in tokens.

OpenAI's by its cookbook (`num_tokens_from_messages`: three for a message, its role, three before the answer, one for a
name); the others were rendered from the templates beside the published tokenizers of Llama 3, Gemma 3, Qwen 3 and
DeepSeek V3, and Mistral's by `mistral-common`. A template is recognized by a token that only it has; none is run here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from meshwright.types.content import Message


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens around each message of a role, and once: before the first and where the answer begins."""

    once: int
    user: int
    assistant: int
    system: int
    name: int = 0

    def around(self, messages: Sequence[Message]) -> int:
        """Tokens around all of them."""
        found = self.once
        for message in messages:
            role = message.role
            found += self.assistant if role == "assistant" else self.system if role in _ABOVE else self.user
            if message.name:
                found += self.name
        return found


_ABOVE = ("system", "developer")
OPENAI = Frame(once=3, user=4, assistant=4, system=4, name=1)
MISTRAL = Frame(once=1, user=2, assistant=1, system=2)
BY_TOKEN: Mapping[str, Frame] = {
    "<|start_header_id|>": Frame(once=5, user=5, assistant=5, system=5),
    "<start_of_turn>": Frame(once=4, user=5, assistant=5, system=1),
    "<|im_start|>": Frame(once=3, user=5, assistant=5, system=5),
    "<｜User｜>": Frame(once=1, user=2, assistant=1, system=0),
    "[INST]": MISTRAL,
}
"""By a token of the template. Qwen 2.5 adds a system message of 21 tokens of its own where none is sent."""
