"""Policies over one object: ValidatingAdmissionPolicy, judged as the API server judges it."""
