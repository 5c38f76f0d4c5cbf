"""The model `builtin/extract`: answers a question with sentences of the given documents, or says there is none."""
