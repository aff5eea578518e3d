"""The vault: people's and organizations' own tokens, sealed; stored, chosen, validated and destroyed here."""
