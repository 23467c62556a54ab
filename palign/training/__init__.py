"""Offline, from the authored corpus and public text to the files in `assets/model`. Serving never imports it."""
