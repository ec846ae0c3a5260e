"""A multi-tenant AI chatbot platform: dashboard, widget and API in one Python program."""
