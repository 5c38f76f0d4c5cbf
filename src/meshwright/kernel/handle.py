"""The one path that every request takes: admit, route, call, settle. Read this first."""

from __future__ import annotations

from meshwright.kernel.admit import admit
from meshwright.kernel.arrival import Arrival, Reply, Streaming
from meshwright.kernel.check import check, check_reply, rules_of
from meshwright.kernel.counting import counted
from meshwright.kernel.decide import decide
from meshwright.kernel.ending import Ending
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.learning.judging import sample
from meshwright.kernel.recall import answered
from meshwright.kernel.record import Recording
from meshwright.kernel.set_aside import enter


async def handle(kernel: Kernel, arrival: Arrival) -> Reply:
    """Answer one request. Whatever happens is on its trace, and in the journal before the answer's last byte leaves.

    Context has no room yet; its stage goes between `check` and `decide`.
    Raises what is nobody's fault but ours, and CancelledError when the client left.
    """
    recording = Recording(arrival.principal.id, arrival.dialect.name, arrival.path)
    recording.answer = arrival.answer_id
    with Ending(kernel, recording) as ending:
        snapshot = kernel.snapshot
        admit(kernel, arrival, recording)
        if arrival.principal.allowances:
            await enter(kernel, arrival.principal, recording)
        checked = None
        found: tuple[str, ...] = ()
        guarding = rules_of(snapshot, arrival.route or arrival.request.model, arrival.principal)
        if guarding is not None:
            checked = await check(guarding, arrival, recording)
            arrival, found = checked.arrival, checked.found
        warm, bounds = kernel.signals.habits.warm, arrival.principal.bounds
        signals = kernel.signals.read()
        counts = None
        if snapshot.tokenizers:
            asked, limited = arrival.route or arrival.request.model, bool(arrival.principal.allowances)
            counts = await counted(snapshot, arrival.request, asked, limited)
        recording.decision = decide(snapshot, signals, arrival.request, arrival.route, warm, found, bounds, counts)
        recording.stage("route")
        reply = await answered(kernel, snapshot, arrival, recording)
        if checked is not None:
            reply = await check_reply(kernel, checked, reply, recording)
        if snapshot.learning.judge:
            masks = checked.masks if checked is not None else ()
            reply = sample(kernel, snapshot, arrival, recording, reply, masks)
        ending.flowing = isinstance(reply, Streaming)
        return reply
    return ending.failure()
