"""Sabotages of what keeps messages and events from being lost, or from being jobs twice."""

from typing import Final

from tests.mutants.mutant import ANNOUNCEMENTS, INTAKE, Mutant

TELLING_ALL: Final = (
    Mutant(
        "tell of the end without what came before",
        "shared/ledger/announcements.py",
        "            if _number(event) <= before:\n",
        "            if _number(event) < len(events):\n",
        ANNOUNCEMENTS,
    ),
    Mutant(
        "go on with later events where an earlier one failed",
        "shared/ledger/announcements.py",
        "                return reached\n            reached = _number(event)\n",
        "                continue\n            reached = _number(event)\n",
        ANNOUNCEMENTS,
    ),
    Mutant(
        "forget how far somebody was told",
        "shared/ledger/announcements.py",
        "            await self.records.mark_told(job_id, told)\n",
        "            pass\n",
        ANNOUNCEMENTS,
    ),
    Mutant(
        "leave what could not be told",
        "shared/ledger/announcements.py",
        "                await self._owe(job_id, 0)\n",
        "                pass\n",
        ANNOUNCEMENTS,
    ),
    Mutant(
        "strike out an appointment that was not kept",
        "shared/ledger/announcements.py",
        "            await self._owe_again(job_id, (tries if isinstance(tries, int) else 0) + 1)\n",
        "            pass\n",
        ANNOUNCEMENTS,
    ),
    Mutant(
        "put an end on record that nobody has promised to tell",
        "shared/ledger/closing.py",
        "        promise = await self.announcements.promise(job_id)\n",
        "        promise = 'outbox/none' if self.announcements.sinks else None\n",
        ANNOUNCEMENTS,
    ),
    Mutant(
        "strike out a promise that was not kept",
        "shared/ledger/announcements.py",
        "        if promise is not None and await self._tell(job_id, QUEUED, None):\n",
        "        if promise is not None and (await self._tell(job_id, QUEUED, None) or True):\n",
        ANNOUNCEMENTS,
    ),
    Mutant(
        "tell of jobs of the time before",
        "shared/ledger/announcements.py",
        "        return dict.fromkeys(self.sinks, 0) or None\n",
        "        return dict.fromkeys(self.sinks or ['queue'], 0)\n",
        ANNOUNCEMENTS,
    ),
    Mutant(
        "take every delivery of a message for a new one",
        "shared/intake/message.py",
        "    return Order(request, name or message.id, ",
        "    return Order(request, name or repr(id(message)), ",
        INTAKE,
    ),
    Mutant(
        "set a message aside in silence",
        "shared/intake/take.py",
        "    await services.rejections.note(event)\n",
        "",
        INTAKE,
    ),
    Mutant(
        "drop a message that is no job",
        "shared/intake/take.py",
        '    await services.queue(queue + POISON).send(message.body.decode(errors="replace"))\n',
        "",
        INTAKE,
    ),
    Mutant(
        "put a message back under another name",
        "shared/intake/take.py",
        '{**asked, "id": order.id, ',
        "{**asked, ",
        INTAKE,
    ),
    Mutant(
        "let a message wait for ever",
        "shared/intake/take.py",
        "    if services.now() - order.since >= PATIENCE:\n",
        "    if services.now() - order.since >= 1000 * PATIENCE:\n",
        INTAKE,
    ),
)
