"""What is said instead of an answer, by category: kind, short, with something useful. Knows no rule."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["REPLIES"]

_CARE = (
    "I am very sorry that it is this hard. You deserve help, and you do not have to get through this alone. Please "
    "tell someone near you now, such as a friend, a relative or a neighbour, and ask them to stay with you. Your "
    "local emergency number or a crisis line will listen at any hour. If you worry about somebody else, stay with "
    "them, ask them plainly and call with them. When you are safe, I am glad to help with a small next thing: a calm "
    "evening, a meal, or what to say to the person you call."
)

REPLIES = MappingProxyType(
    {
        "self-harm": _CARE,
        "violence": "I will not help to hurt anyone. If someone makes you angry or afraid, I can help you to calm "
        "down, to word what you want to tell them, or to find out who can step in. In danger, call your local "
        "emergency number.",
        "weapons": "I will not help with weapons, explosives or poisons. I am glad to explain how something works "
        "safely, suggest an experiment that is fit for a kitchen table, or help to make a home safer.",
        "drugs": "I will not help to make, sell or misuse drugs. I can help you to think about stopping, about "
        "talking with a doctor or someone you trust, or about a better night's sleep.",
        "child-safety": "I will not write or help with this. Children must be safe. If you know of a child in danger, "
        "or fear your own thoughts, please speak to your local child protection service or a doctor today: they help "
        "without judging.",
        "intrusion": "I will not help to get into accounts or devices of others. I can help you to recover your own "
        "account, to choose a strong password, or to make your own devices safer.",
        "privacy": "I will not help to watch or find someone who has not agreed to it. I can help you to word an open "
        "question to them, or to check that nobody is following your own phone.",
        "sexual": "I do not write sexual content. I am glad to help with a romantic evening, a love letter or a kind "
        "way to talk with a partner.",
        "danger": "That could end badly for you or for others, so I will not help with it. A pharmacist or a doctor "
        "can answer questions about medicine and alcohol, and I can help you to plan a safe way home or a calmer "
        "night.",
        "fraud": "I will not help to deceive people. I can help you to spot a scam, to plan a tight budget, or to "
        "write an honest letter about money you owe.",
        "theft": "I will not help to take what belongs to others. I can help you to stretch a small budget, to find "
        "things second hand, or to keep your own things safe.",
        "hate": "I will not write anything that demeans people. I can help you to say what bothers you without "
        "attacking anyone, or to plan a talk that clears the air.",
    }
)
