"""Plays scenarios side by side: in lanes, which are processes with a world of their own."""

import contextlib
import multiprocessing
import multiprocessing.connection
import signal
import sys
import time

_processes = multiprocessing.get_context("fork")


class _Programme:
    """What is to be played, and who plays what next. A real server is started by one lane and plays there, as long as
    the other lanes have something else; what must play alone comes last."""

    def __init__(self, scenarios):
        self._waiting = list(scenarios)
        self._owners = {}  # of the servers

    def take(self, lane, others_play):
        """The next scenario of `lane`; None if there is none, or none now."""
        beside = [each for each in self._waiting if not each.alone]
        if beside:
            scenario = min(beside, key=lambda each: self._rank(lane, each.server))
            if self._owners.get(scenario.server, lane) != lane:
                return None
        elif self._waiting and not others_play:
            scenario = self._waiting[0]
        else:
            return None
        self._waiting.remove(scenario)
        if scenario.server:
            self._owners.setdefault(scenario.server, lane)
        return scenario

    def _rank(self, lane, server):
        owner = self._owners.get(server)
        if server and owner == lane:
            return 0
        if server and owner is None:
            return 1 if lane not in self._owners.values() else 3
        return 2 if not server else 4


class _Lane:
    def __init__(self, scenarios, make_world, play):
        self._scenarios = scenarios
        self._connection, end = _processes.Pipe()
        self._process = _processes.Process(target=self._run, args=(end, make_world, play))
        self._process.start()
        end.close()
        self.scenario = None
        self._began = 0.0

    @property
    def connection(self):
        return self._connection

    def _run(self, end, make_world, play):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what a scenario has mounted is unmounted
        self._connection.close()  # or it would not be told when the other process ends
        world = make_world()
        try:
            while (number := end.recv()) is not None:
                end.send(play(world, self._scenarios[number]))
        except (EOFError, BrokenPipeError, KeyboardInterrupt):
            pass  # who asks is gone
        finally:
            world.close()

    def begin(self, scenario):
        self.scenario, self._began = scenario, time.monotonic()
        with contextlib.suppress(OSError):  # of a lane that is gone: end() tells
            self._connection.send(self._scenarios.index(scenario))

    def end(self):
        """(the scenario that ended, its seconds, what `play` gave or None if the lane itself is gone)"""
        scenario, self.scenario = self.scenario, None
        try:
            result = self._connection.recv()
        except (EOFError, OSError):
            result = None
        return scenario, time.monotonic() - self._began, result

    def close(self):
        with contextlib.suppress(OSError):
            self._connection.send(None)
        for end in (self._process.terminate, self._process.kill):
            self._process.join(60)
            if self._process.is_alive():
                end()
        self._connection.close()


def play_all(scenarios, count, make_world, play):
    """Plays `scenarios` in `count` lanes with `play(world, scenario)`. Yields (scenario, seconds, what that gave) as they
    end; None is given where the lane's process itself ended."""
    programme = _Programme(scenarios)
    lanes = [_Lane(scenarios, make_world, play) for _ in range(max(1, min(count, len(scenarios))))]
    try:
        while True:
            for number, lane in enumerate(lanes):
                others_play = any(other.scenario for other in lanes if other is not lane)
                if lane.scenario is None and (scenario := programme.take(number, others_play)):
                    lane.begin(scenario)
            playing = {lane.connection: lane for lane in lanes if lane.scenario}
            if not playing:
                return
            for connection in multiprocessing.connection.wait(list(playing)):
                lane = playing[connection]
                scenario, seconds, result = lane.end()
                if result is None:
                    lanes[lanes.index(lane)] = _Lane(scenarios, make_world, play)
                    lane.close()
                yield scenario, seconds, result
    finally:
        for lane in lanes:
            lane.close()
