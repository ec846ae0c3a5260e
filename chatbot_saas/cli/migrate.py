"""Bring the database to the present shape. `make run` starts this beside itself: see `database.migrating`."""

from chatbot_saas.cli.database import open_database
from chatbot_saas.cli.settings import load_settings
from chatbot_saas.core import migrations


def main(_: list[str]) -> int:
    settings = load_settings()
    with open_database(settings) as url:
        migrations.upgrade(url, settings.secret_key.get_secret_value())
    return 0
