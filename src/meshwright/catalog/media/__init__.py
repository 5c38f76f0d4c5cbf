"""What pictures, documents, sounds and films cost in tokens, by family of models: rows of data with their sources.

`formulas` has the ways of counting that providers publish, `rules` finds the row of a model. Where no row is known the
rule for unknown models holds, which is rough.
"""
