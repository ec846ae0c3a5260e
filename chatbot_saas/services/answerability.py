# LEAD: see NOTE-FROM-LEAD.md: this module is being written by the lead; do not write it.
def probability(question, index, found, language="en"):
    return 0.5
