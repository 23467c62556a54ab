"""The Gradio screen: layout, handlers and the duel; knows `ChatService` and nothing beneath it."""
