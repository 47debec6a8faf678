"""Reading FHIR R4: pure code that turns files into resources and resources into our words. No database."""
