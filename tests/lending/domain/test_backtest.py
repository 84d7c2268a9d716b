from datetime import date, timedelta

from lending.domain.watch.backtest import Alarm, NotionalLoan, Watcher, days_until_told, has_recovered, tell
from lending.domain.watch.policy import Signal, day_one_watch
from lending.domain.watch.signals import Reading

DRAWN, ON, DAY = 20_000, date(2026, 3, 1), timedelta(days=1)


def loan(moves: dict[int, int]) -> NotionalLoan:
    return NotionalLoan(drawn=DRAWN, principal_minor=6_000, moves=moves)


def test_a_loan_is_collected_from_what_there_is_and_goes_bad_30_days_after_what_was_not() -> None:
    paid = loan({DRAWN - 10: 10_000})
    paid.run_to(DRAWN + 200)
    assert paid.bad_on is None
    one = loan({DRAWN - 10: 1_000})
    one.run_to(DRAWN + 89)
    assert one.bad_on is None
    one.run_to(DRAWN + 200)
    assert one.bad_on == DRAWN + 90
    late = loan({DRAWN + 59: 1_000, DRAWN + 60: 9_000})
    late.run_to(DRAWN + 300)
    assert late.bad_on is None


def test_days_that_were_run_are_not_run_again() -> None:
    twice, once = loan({DRAWN: 3_500}), loan({DRAWN: 3_500})
    for days in (40, 40, 90, 200):
        twice.run_to(DRAWN + days)
    once.run_to(DRAWN + 200)
    assert (twice.bad_on, once.bad_on) == (DRAWN + 150, DRAWN + 150)


def test_what_falls_due_next_is_one_instalment_until_the_last() -> None:
    one = loan({DRAWN: 100_000})
    one.run_to(DRAWN + 30)
    found = one.next_instalment(DRAWN + 30)
    assert found is not None
    assert (found.due_minor, found.days, found.balance_minor) == (2_000, 30, 100_000)
    one.run_to(DRAWN + 31)
    found = one.next_instalment(DRAWN + 31)
    assert found is not None
    assert (found.due_minor, found.days, found.balance_minor) == (1_000, 29, 99_000)
    one.run_to(DRAWN + 190)
    assert one.next_instalment(DRAWN + 190) is None


def reading(*, fires: bool) -> Reading:
    return Reading(signal=Signal.SILENT, observed=1, expected=1, share_bps=1, fires=fires)


def test_a_signal_alarms_once_until_it_has_ceased_for_a_while() -> None:
    watcher = Watcher(day_one_watch())
    for days, fires in ((0, True), (7, True), (14, False), (21, True), (28, False), (42, False), (49, True)):
        watcher.judge({1: [reading(fires=fires)]}, on=ON + days * DAY)
    watcher.judge({}, on=ON + 90 * DAY)
    watcher.judge({1: [reading(fires=True)]}, on=ON + 97 * DAY)
    assert [alarm.on for alarm in watcher.alarms] == [ON, ON + 49 * DAY]


def test_told_sums_what_alarms_said_of_loans() -> None:
    alarms = [
        Alarm(merchant=1, signal=Signal.SILENT, on=ON),
        Alarm(merchant=1, signal=Signal.DRAINED, on=ON + 5 * DAY),
        Alarm(merchant=1, signal=Signal.DRAINED, on=ON + 50 * DAY),
        Alarm(merchant=2, signal=Signal.SILENT, on=ON + 40 * DAY),
        Alarm(merchant=3, signal=Signal.SILENT, on=ON),
    ]
    told = tell(alarms, {1: ON + 30 * DAY, 2: ON + 40 * DAY, 3: None, 4: None}, days=60)
    assert (told.merchants, told.merchant_months, told.alarms) == (4, 8, 5)
    assert (told.bad, told.bad_warned, told.lead_days) == (2, 1, [30])
    assert told.bad_warned_by_signal == {Signal.SILENT: 1, Signal.DRAINED: 1}
    assert (told.good, told.good_warned) == (2, 1)
    assert told.in_100_months(told.alarms) == 62.5


def test_trouble_is_told_of_by_the_first_alarm_after_it_began() -> None:
    alarms = [Alarm(merchant=1, signal=Signal.SILENT, on=ON + days * DAY) for days in (0, 12, 20)]
    assert days_until_told(alarms, {1: ON + 3 * DAY, 2: ON}) == {1: 9}


def test_sales_have_recovered_at_three_fifths_of_the_usual() -> None:
    assert has_recovered(usual=90, came=18)
    assert not has_recovered(usual=90, came=17)
