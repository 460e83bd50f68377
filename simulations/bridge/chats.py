"""Chats as prompts: what the template makes of messages, and the system prompt that it puts in front unasked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from transformers import PreTrainedTokenizerFast

Messages = list[dict[str, object]]

Render = Callable[[Messages], tuple[str, list[int]]]
"""(text, ids) of a chat with the beginning of the next answer."""

_USER, _SYSTEM = "the words of the user", "the words of the system"


def renderer(tokenizer: PreTrainedTokenizerFast, template: str | None) -> Render | None:
    """What turns a chat into a prompt; the template alone says which special tokens it has. None without a template.

    Args:
        tokenizer: of the aligned model.
        template: instead of the tokenizer's own.
    """
    if not (template or tokenizer.chat_template):
        return None

    def render(messages: Messages) -> tuple[str, list[int]]:
        try:
            text = str(
                tokenizer.apply_chat_template(
                    messages, chat_template=template, tokenize=False, add_generation_prompt=True
                )
            )
        except Exception as error:  # a template raises whatever its author wrote
            reason = " ".join(str(error).split())[:160]
            raise ValueError(f"the chat template refuses {str(messages)[:60]!r}: {reason}") from None
        return text, [int(i) for i in tokenizer.encode(text, add_special_tokens=False)]

    return render


def default_system(render: Render) -> str | None:
    """The system prompt that a template puts in front of a chat that has none; None where it puts none.

    It is what stands in front of the user's words in place of a system prompt that is given.
    """
    user: dict[str, object] = {"role": "user", "content": _USER}
    try:
        bare, _ = render([user])
        given, _ = render([{"role": "system", "content": _SYSTEM}, user])
    except ValueError:  # a template without system prompts
        return None
    head, whole = bare.partition(_USER)[0], given.partition(_USER)[0]
    before, there, behind = whole.partition(_SYSTEM)
    if not there or not head.startswith(before) or not head.endswith(behind) or len(head) <= len(before) + len(behind):
        return None
    return head[len(before) : len(head) - len(behind)]


def system_lines(render: Render | None, chats: Sequence[Messages]) -> list[str]:
    """What a person should know of chats that have no system prompt of their own."""
    bare = sum(chat[0].get("role") != "system" for chat in chats)
    system = default_system(render) if render is not None and bare else None
    if system is None:
        return []
    shown = system if len(system) <= 200 else f"{system[:200]}..."
    return [f"{bare} of {len(chats)} chats have no system prompt; the template gives them its own: {shown!r}"]


__all__ = ["Messages", "Render", "default_system", "renderer", "system_lines"]
