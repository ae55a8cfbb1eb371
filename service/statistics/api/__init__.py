"""/v1/stats"""
