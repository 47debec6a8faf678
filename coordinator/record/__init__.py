"""One patient's whole record as a file: a PDF for people, a FHIR R4 bundle for programs."""
