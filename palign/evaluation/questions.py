"""The questions asked of every arm, worded for the evaluation and found in no training file; a test holds that.

Each only asks: a sentence that states something about the asker would be kept as a memory and leak into later turns.
"""

QUESTIONS: tuple[str, ...] = (
    "What is the secret to houseplants that do not die on me?",
    "What could help me sleep when I lie awake for hours?",
    "How would I go about saving some money each month?",
    "Where do I begin when I prepare for a job interview?",
    "What can I do about a laptop that has become painfully slow?",
    "What would make my pasta turn out better?",
    "How does someone who has never run take up running?",
    "Can you tell me what makes the sky look blue?",
    "How can I stop putting things off all the time?",
    "What should I put in my bag for a weekend away?",
    "How do vaccines protect us?",
    "What is a good way to look after a wooden table?",
    "How could I get through more books this year?",
    "How can I get stronger at home without machines?",
    "What is the best way to keep passwords safe?",
    "What can I say to comfort a friend who is sad?",
    "How do I brew a really good cup of tea?",
    "What helps against nerves before I give a talk?",
    "How come summers are warm and winters cold?",
    "How do I plan a birthday party without stress?",
)
