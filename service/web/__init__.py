"""How an endpoint is declared, parsed, answered and made repeatable; the frame of the pages. Knows no noun of ours."""
