"""Whether what an answer says stands in the evidence: pure values and functions over text, for any model and any language we ship."""
