"""The model `builtin/extract`: answers a question with sentences of the documents it was given, or says they have none."""
