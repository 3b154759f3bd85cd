"""Questions without an answer: collected from the replies, grouped by what they are about, and
asked again once somebody has written an article.

`updating`, which beat runs every few minutes, goes step by step:

    collecting   stores the customers' questions that had no answer
    grouping     puts each into a gap, with others that mean the same
    counting     counts each gap's questions, and names it by one of them

`asking` asks a gap's questions again, and `weeks` has the weekly figures.
"""
