"""What a friend is told of an offer: who gives it, what it is, and what the catch is."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from service.currencies import shown
from service.customers import tables as customers
from service.ledger.rewards import FixedReward, RewardTerms
from service.merchants.tables import Merchant
from service.programs import programs
from service.programs.terms import Terms, terms_of


@dataclass(frozen=True, slots=True)
class Greeting:
    """The offer in words: a title, and conditions as short sentences."""

    title: str
    merchant_name: str
    conditions: list[str]


def greet(session: Session, merchant_id: UUID, program_id: UUID, advocate_id: str) -> Greeting:
    """The offer of a program, from this advocate. Only first names are ever told."""
    _, version = programs.get(session, merchant_id, program_id)
    merchant = session.get_one(Merchant, merchant_id)
    advocate = customers.get(session, merchant_id, advocate_id)
    name = advocate.first_name if advocate and advocate.first_name else "A friend"
    offer = terms_of(version.terms)
    return Greeting(_title(name, merchant.name, offer), merchant.name, _conditions(offer))


def _title(name: str, shop: str, offer: Terms) -> str:
    if offer.friend_reward is None:
        return f"{name} recommends {shop} to you"
    return f"{name} gives you {_gift(offer.friend_reward, offer.currency)} at {shop}"


def _gift(reward: RewardTerms, currency: str) -> str:
    if isinstance(reward, FixedReward):
        return shown(reward.amount, currency)
    whole, hundredths = divmod(reward.rate_basis_points, 100)
    percent = f"{whole}.{hundredths:02d}".rstrip("0").rstrip(".")
    limit = f" (up to {shown(reward.max_amount, currency)})" if reward.max_amount else ""
    return f"{percent}%{limit}"


def _conditions(offer: Terms) -> list[str]:
    days = offer.attribution_window.days
    said = [f"The offer holds for {days} days." if days > 1 else "The offer holds for one day."]
    if offer.new_customers_only:
        said.append("It is for your first order.")
    if offer.minimum_order_amount:
        said.append(f"The order must be {shown(offer.minimum_order_amount, offer.currency)} or more.")
    if offer.friend_reward is not None and offer.friend_reward.given_as == "credit":
        said.append(f"You can spend it {offer.hold.days} days after your order." if offer.hold.days else "")
    return [sentence for sentence in said if sentence]
