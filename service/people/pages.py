"""The page by which a person reads what is known of them: a file of its own, which asks nobody for anything."""

from datetime import datetime, tzinfo

from flask import Blueprint, render_template

from service.formats import Formats
from service.languages import message
from service.people.access import Document

blueprint = Blueprint("people_pages", __name__, template_folder="templates")
STATUSES = {
    "pending": message("Ripening"),
    "available": message("Ripe"),
    "lapsed": message("Lapsed"),
    "denied": message("Denied"),
    "reversed": message("Taken back"),
}


def known(document: Document, formats: Formats, zone: tzinfo) -> str:
    """The page, in the language of the reader, with days of this zone."""

    def day(moment: datetime) -> str:
        return formats.day(moment.astimezone(zone).date())

    return render_template("known.html", formats=formats, known=document, statuses=STATUSES, day=day)
