"""Counting tokens with the model's own tokenizer, where its file is on this machine and the extra `tokenizers` too.

`chosen` says which file counts for which model, `tokenizer` reads one and counts, `frames` knows what stands around a
message. Nothing is downloaded. What cannot be used is told by `mesh doctor`, and the estimate takes its place.
"""
