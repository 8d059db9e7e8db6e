"""Sabotages of what keeps messages and events from being lost, or from being jobs twice."""

from typing import Final

from tests.mutants.mutant import ANNOUNCEMENTS, INTAKE, Mutant

TELLING_ALL: Final = (
    Mutant(
        "tell of the end without what came before",
        "shared/ledger/announcements.py",
        "            if number <= before:\n",
        "            if number < len(events):\n",
        ANNOUNCEMENTS,
    ),
    Mutant(
        "go on with later events where an earlier one failed",
        "shared/ledger/announcements.py",
        "                return reached\n            reached = number\n",
        "                continue\n            reached = number\n",
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
        "            await self._owe(record, tries)\n",
        "            pass\n",
        ANNOUNCEMENTS,
    ),
    Mutant(
        "strike out an appointment before it is kept",
        "shared/ledger/announcements.py",
        "        await self.tell_all(job_id, far, tries=(tries if isinstance(tries, int) else 0) + 1)\n"
        "        await self.records.store.delete_record(name)\n",
        "        await self.records.store.delete_record(name)\n        await self.tell(job_id, far)\n",
        ANNOUNCEMENTS,
    ),
    Mutant(
        "close a job whether its end could be told or not",
        "shared/ledger/closing.py",
        "        await self.announcements.tell_all(job_id)\n",
        "        await self.announcements.tell(job_id, 1)\n",
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
        "        await sink.send(event)\n",
        "        sink.send(event).close()\n",
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
        "    if services.now() >= order.since + PATIENCE:\n",
        "    if services.now() >= message.came_at + 1000 * PATIENCE:\n",
        INTAKE,
    ),
)
