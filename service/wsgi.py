"""What gunicorn loads."""

from service import settings as environment
from service import telemetry
from service.app import create_app

settings = environment.load()
telemetry.configure(settings.log_format)
app = create_app(settings)
