"""What is measured. Each figure of p2 stands beside its floor, measured in the same run."""

import contextlib
import itertools
import os
import shutil
import statistics
import subprocess
import threading
import time

import cast

# Enough to keep two cores busy when FCM answers at once; p2 and the bare pool have the same number.
FAST_CONNECTIONS = 32
FAST_INFLIGHT = 256
SLOW_CONNECTIONS = 1000
SLOW_INFLIGHT = 1500
PHONES = 1000
# At full rate: so many that none gets two pushes within push.spacing, which would become one.
# Where FCM takes 100 ms, 20,000 are enough, and their store does not weigh on the memory that is compared.
FAST_PHONES = 100_000
SLOW_PHONES = 20_000
BURST = 100_000


class Row:
    """A line of the table. `value` is what is held against `limit`; p2 and floor are what it was made of."""

    def __init__(self, name, p2, floor, value, limit, at_least=False, unit=""):
        self.name, self.p2, self.floor, self.value, self.limit = name, p2, floor, value, limit
        self.at_least, self.unit = at_least, unit

    @property
    def met(self):
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def demanded(self):
        return f"{'≥' if self.at_least else '≤'} {self.limit:,.6g}{self.unit}"

    @property
    def shown(self):
        return f"{self.value:,.4g}{self.unit}" if self.unit != "" else f"{self.value:,.6g}"


class Bench:
    """`seconds` is the time of one measurement, `rounds` how often floor and p2 take turns; medians count."""

    def __init__(self, binary, programs, directory, seconds, rounds, big):
        self.binary, self.programs, self.directory = binary, programs, directory
        self.seconds, self.rounds, self.big = seconds, rounds, big
        self.details = {}
        self.other = None  # another program of p2, to compare with
        self._names = iter(range(1, 10_000))
        self.fcm = cast.Fcm(os.path.join(directory, "fcm"))
        self.server = cast.XmppServer(programs)

    def close(self):
        self.server.stop()
        self.fcm.stop()

    # ---- the parts

    def path(self, name):
        return os.path.join(self.directory, f"{next(self._names)}-{name}")

    def note(self, name, value):
        self.details[name] = value
        return value

    @contextlib.contextmanager
    def p2(self, speed="fast", phones=PHONES, binary=None, **settings):
        """A p2 that is ready and knows the first `phones`."""
        directory = self.path("p2")
        os.makedirs(directory)
        daemon = cast.Daemon(binary or self.binary, directory, self.server, self.fcm.at(speed), **settings)
        if phones and "store_kind" not in settings:
            self.stock(daemon, phones)
        daemon.up()
        self.server.order("ready")
        try:
            yield daemon
        finally:
            daemon.stop()
            shutil.rmtree(directory, ignore_errors=True)

    def stock(self, daemon, phones):
        """Copies a store with so many registrations, imported at the first use."""
        stored = os.path.join(self.directory, f"store-{phones}")
        if not os.path.isdir(stored):
            self.fill(daemon, phones, "LMDB")
            shutil.copytree(daemon.store, stored)
        else:
            shutil.rmtree(daemon.store)
            shutil.copytree(stored, daemon.store)

    def fill(self, daemon, phones, name, lot=None):
        """Imports so many registrations, `lot` at a time."""
        daemon.write_config()
        began = time.monotonic()
        with subprocess.Popen([self.program("server"), "rows", str(phones)], stdout=subprocess.PIPE) as rows:
            while lines := b"".join(itertools.islice(rows.stdout, lot or phones)):
                subprocess.run([self.binary, f"--config={daemon.config}", "import", "-"], input=lines, check=True,
                               stdout=subprocess.DEVNULL)
        self.note(f"import of {phones:,} registrations into {name}, seconds", time.monotonic() - began)

    def program(self, name):
        return os.path.join(self.programs, f"p2_bench_{name}")

    def pool(self, speed, connections, rate=None, seconds=None, look=None):
        """Runs the bare pool; `look(pid)` is called in the middle of its time."""
        command = [self.program("pool"), self.fcm.url(speed), self.fcm.ca_file, connections, seconds or self.seconds]
        pool = cast.Program("p2_bench_pool", command + ([rate] if rate else []))
        pool.line()
        seen = look(pool.pid) if look else None
        result = pool.result()
        pool.stop()
        if result["faults"]:
            raise RuntimeError(f"the bare pool had {result['faults']} faults")
        return {**result, "seen": seen}

    def publish(self, daemon, look=None, **order):
        """One order for the server; adds what it cost p2. `look(pid)` is called in the middle of the time."""
        pid = daemon.process.pid
        cpu, switches = cast.cpu_seconds(pid), cast.switches(pid)
        seen = []
        timer = threading.Timer(order.get("seconds", 0) * 0.6, lambda: seen.append(look(pid)))
        if look:
            timer.start()
        result = self.server.order("publish", **order)
        if look:
            timer.join()
        if result["errors"]:
            raise RuntimeError(f"p2 answered {result['errors']} of {result['begun']} publishes with an error")
        result["cpu_us"] = (cast.cpu_seconds(pid) - cpu) * 1e6 / result["begun"]
        result["switches"] = (cast.switches(pid) - switches) / result["begun"]
        return {**result, "seen": seen[0] if seen else None}

    def fast(self, daemon, phones=FAST_PHONES, seconds=None):
        return self.publish(daemon, phones=phones, seconds=seconds or self.seconds, inflight=FAST_INFLIGHT)

    def rounds_of(self, *measures):
        """Lets them take turns; gives the list of each one's results."""
        results = [[] for _ in measures]
        for _ in range(self.rounds):
            for measure, list_of in zip(measures, results):
                list_of.append(measure())
        return results

    # ---- the figures

    def cpu(self):
        """CPU of p2 per push, FCM at 0 ms"""
        sax = self.note("SAX parse of one publish, µs", cast.Program("p2_bench_sax", [self.program("sax"), 200_000])
                        .result()["cpu_us"])
        with self.p2(phones=FAST_PHONES, fcm_connections=FAST_CONNECTIONS) as daemon:
            self.fast(daemon, seconds=2)
            posts, pushes = self.rounds_of(lambda: self.pool("fast", FAST_CONNECTIONS), lambda: self.fast(daemon))
        post = self.note("bare post, µs of CPU", median(posts, "cpu_us"))
        self.note("bare pool, FCM at 0 ms, requests a second", median(posts, "rate"))
        self.note("p2, FCM at 0 ms, pushes a second", median(pushes, "rate"))
        self.note("p2, FCM at 0 ms, context switches per push", median(pushes, "switches"))
        push = median(pushes, "cpu_us")
        floor = post + sax
        yield Row("CPU per push, FCM at 0 ms", f"{push:.1f} µs", f"{post:.1f} + {sax:.1f} µs", push / floor, 1.6,
                  unit=" ×")
        if self.other:
            self.compare()

    def compare(self):
        """CPU per push of this p2 and of another one, started in turn."""
        def started(binary):
            with self.p2(phones=FAST_PHONES, binary=binary, fcm_connections=FAST_CONNECTIONS) as daemon:
                self.fast(daemon, seconds=1)
                return self.fast(daemon)

        own, others = self.rounds_of(lambda: started(self.binary), lambda: started(self.other))
        own, others = median(own, "cpu_us"), median(others, "cpu_us")
        self.note("CPU per push, µs: this p2, the other one", f"{own:.2f}, {others:.2f}")
        self.note("CPU per push, this p2 over the other one", own / others)

    def many(self):
        """Pushes a second and memory, FCM at 100 ms, 1,000 connections"""
        seconds = max(self.seconds, 5)
        with self.p2("slow", phones=SLOW_PHONES, fcm_connections=SLOW_CONNECTIONS) as daemon:
            order = {"phones": SLOW_PHONES, "inflight": SLOW_INFLIGHT}
            self.publish(daemon, seconds=3, **order)
            posts, pushes = self.rounds_of(
                lambda: self.pool("slow", SLOW_CONNECTIONS, seconds=seconds, look=cast.memory),
                lambda: self.publish(daemon, seconds=seconds, look=cast.memory, **order))
        pool, p2 = median(posts, "rate"), median(pushes, "rate")
        self.note("p2, FCM at 100 ms, µs of CPU per push", median(pushes, "cpu_us"))
        self.note("bare pool, FCM at 100 ms, µs of CPU per request", median(posts, "cpu_us"))
        self.note("p2, FCM at 100 ms, context switches per push", median(pushes, "switches"))
        yield Row("pushes a second, FCM at 100 ms, 1,000 connections", f"{p2:,.0f}", f"{pool:,.0f}", p2 / pool, 0.95,
                  at_least=True, unit=" ×")
        sizes = {kind: [statistics.median(r["seen"][kind] for r in side) for side in (posts, pushes)]
                 for kind in ("rss", "pss", "anonymous")}
        for kind, (floor, own) in sizes.items():
            self.note(f"memory there ({kind}), MiB: p2, bare pool", f"{own:.1f}, {floor:.1f}")
        floor, own = sizes["rss"]
        yield Row("memory there", f"{own:.1f} MiB", f"{floor:.1f} MiB", own / floor, 1.4, unit=" ×")

    def latency(self):
        """Latency that p2 adds to FCM's own, at 100 pushes a second"""
        with self.p2("slow") as daemon:
            self.publish(daemon, phones=PHONES, seconds=2, rate=100)
            posts, pushes = self.rounds_of(lambda: self.pool("slow", FAST_CONNECTIONS, rate=100),
                                           lambda: self.publish(daemon, phones=PHONES, seconds=self.seconds, rate=100))
        for name, key, limit in (("median", "median_ms", 1), ("p99", "p99_ms", 5)):
            p2, floor = median(pushes, key), median(posts, key)
            yield Row(f"latency added at 100 pushes a second, {name}", f"{p2:.2f} ms", f"{floor:.2f} ms", p2 - floor,
                      limit, unit=" ms")

    def registrations(self):
        """Registrations a second, 256 in flight, all durable"""
        first = 0

        def commits():
            directory = self.path("lmdb")
            os.makedirs(directory)
            result = cast.Program("p2_bench_commits", [self.program("commits"), directory, round(self.seconds)]).result()
            shutil.rmtree(directory)
            return result

        def register():
            nonlocal first
            result = self.server.order("register", first=first, seconds=self.seconds, inflight=256)
            first += result["begun"]
            if result["errors"]:
                raise RuntimeError(f"{result['errors']} registrations were refused")
            return result

        with self.p2(phones=0) as daemon:
            singles, batches = self.rounds_of(commits, register)
            cpu = cast.cpu_seconds(daemon.process.pid)
        self.note("p2, µs of CPU per registration", cpu * 1e6 / first)
        p2, floor = median(batches, "rate"), median(singles, "rate")
        yield Row("registrations a second, 256 in flight, durable", f"{p2:,.0f}", f"{floor:,.0f}", p2 / floor, 5,
                  at_least=True, unit=" ×")

    def store(self):
        """What a million registrations cost: CPU per push, the start, idle memory"""
        name = f"{self.big:,} registrations"
        small, large = [], []
        settings = {"fcm_connections": FAST_CONNECTIONS, "push_spacing": "0"}  # 1,000 phones at full rate
        for phones, results in ((self.big, large), (PHONES, small), (self.big, large), (PHONES, small)):
            with self.p2(phones=phones, **settings) as daemon:
                if phones == self.big and not large:
                    idle = cast.memory(daemon.process.pid)["anonymous"]
                    starts = [self.start(daemon) for _ in range(max(3, self.rounds))]
                # A third of all phones: by then nearly every page of the store is mapped, as it is in a daemon that has
                # run for some minutes.
                self.publish(daemon, phones=phones, count=max(phones // 3, 20_000), inflight=FAST_INFLIGHT)
                for _ in range(max(1, self.rounds // 2)):
                    results.append(self.fast(daemon, phones))
        p2, floor = median(large, "cpu_us"), median(small, "cpu_us")
        yield Row(f"CPU per push, {name} against 1,000", f"{p2:.1f} µs", f"{floor:.1f} µs", p2 / floor, 1.15, unit=" ×")
        start = statistics.median(starts) * 1000
        yield Row(f"start to ready, {name}", f"{start:.0f} ms", "", start, 100, unit=" ms")
        yield Row(f"anonymous memory, idle, {name}", f"{idle:.1f} MiB", "", idle, 16, unit=" MiB")

    # ---- the store in MariaDB, beside LMDB in the place of the floor

    def mariadb(self):
        """The same with registrations in a Galera cluster of three nodes"""
        cluster = cast.Cluster(self.path("cluster"))
        try:
            settings = cluster.settings()
            yield from self.registrations_beside(settings, cluster)
            cluster.empty()
            filler = cast.Daemon(self.binary, self.path("filler"), self.server, self.fcm.at("fast"), **settings)
            # A cluster that is busy does not take a million rows in one transaction.
            self.fill(filler, self.big, "MariaDB", lot=100_000)
            yield from self.cpu_beside(settings, cluster)
            yield from self.latency_beside(settings)
        finally:
            cluster.close()

    def registrations_beside(self, settings, cluster):
        first = 0

        def measure(beside):
            nonlocal first
            with self.p2(phones=0, **beside) as daemon:
                database = cluster.cpu()
                result = self.server.order("register", first=first, seconds=self.seconds, inflight=256)
                first += result["begun"]
                if result["errors"]:
                    raise RuntimeError(f"{result['errors']} registrations were refused")
                return {**result, "cpu_us": daemon.cpu() * 1e6 / result["begun"],
                        "database_us": (cluster.cpu() - database) * 1e6 / result["begun"]}

        lmdb, mariadb = self.rounds_of(lambda: measure({}), lambda: measure(settings))
        self.note("MariaDB, µs of CPU per registration: p2, all nodes, p2 with LMDB",
                  ", ".join(f"{each:.1f}" for each in (median(mariadb, "cpu_us"), median(mariadb, "database_us"),
                                                       median(lmdb, "cpu_us"))))
        rate, floor = median(mariadb, "rate"), median(lmdb, "rate")
        yield Row("MariaDB: durable registrations a second on three nodes, 256 in flight", f"{rate:,.0f}", f"{floor:,.0f}",
                  rate, 5000, at_least=True)

    def cpu_beside(self, settings, cluster):
        """CPU per push, of each phone once and of a few again and again, and the memory there"""
        def measure(phones, beside):
            with self.p2(phones=self.big, fcm_connections=FAST_CONNECTIONS, push_spacing="0", **beside) as daemon:
                self.fast(daemon, phones, seconds=2)
                database = cluster.cpu()
                result = self.publish(daemon, look=cast.memory, phones=phones, seconds=self.seconds,
                                      inflight=FAST_INFLIGHT)
                return {**result, "database_us": (cluster.cpu() - database) * 1e6 / result["begun"]}

        for name, phones, limit in (("each phone once", self.big, 2), (f"{PHONES:,} phones again and again", PHONES, 1.3)):
            # LMDB's is measured twice, which shows what chance does.
            lmdb, mariadb, again = self.rounds_of(*(lambda beside=beside: measure(phones, beside)
                                                    for beside in ({}, settings, {})))
            floor, p2 = median(lmdb, "cpu_us"), median(mariadb, "cpu_us")
            self.note(f"{name}: LMDB's CPU per push, the second measurement over the first",
                      median(again, "cpu_us") / floor)
            self.note(f"{name}: µs of CPU per push in all nodes of MariaDB", median(mariadb, "database_us"))
            self.note(f"{name}: pushes a second with MariaDB, LMDB",
                      f"{median(mariadb, 'rate'):,.0f}, {median(lmdb, 'rate'):,.0f}")
            self.note(f"{name}: context switches per push with MariaDB, LMDB",
                      f"{median(mariadb, 'switches'):.2f}, {median(lmdb, 'switches'):.2f}")
            yield Row(f"MariaDB: CPU per push, {name}", f"{p2:.1f} µs", f"{floor:.1f} µs", p2 / floor, limit, unit=" ×")
            if limit == 2:
                memory = [statistics.median(r["seen"]["anonymous"] for r in side) for side in (mariadb, lmdb)]
                yield Row("MariaDB: anonymous memory there", *(f"{size:.1f} MiB" for size in memory),
                          memory[0] - memory[1], 80, unit=" MiB")

    def latency_beside(self, settings):
        def measure(beside):
            with self.p2("slow", phones=self.big, **beside) as daemon:
                order = {"phones": self.big, "rate": 100}
                self.publish(daemon, seconds=2, **order)
                return self.publish(daemon, seconds=self.seconds, **order)

        lmdb, mariadb, again = self.rounds_of(*(lambda beside=beside: measure(beside) for beside in ({}, settings, {})))
        for name, key, limit in (("median", "median_ms", 1), ("p99", "p99_ms", 5)):
            p2, floor = median(mariadb, key), median(lmdb, key)
            self.note(f"LMDB's latency, {name}: the second measurement over the first, ms", median(again, key) - floor)
            yield Row(f"MariaDB: latency added at 100 pushes a second, {name}", f"{p2:.2f} ms", f"{floor:.2f} ms",
                      p2 - floor, limit, unit=" ms")

    def start(self, daemon):
        """Seconds from the start of the process to READY=1."""
        daemon.stop()
        daemon.start()
        daemon.wait_ready()
        took = time.monotonic() - daemon.process.started
        self.server.order("ready")
        return took

    def burst(self):
        """A burst of 100,000 pushes for 1,000 nodes"""
        for speed in ("slow", "fast"):
            with self.p2(speed) as daemon:
                self.publish(daemon, phones=PHONES, count=PHONES, inflight=100)
                before = self.fcm.requests()
                result = self.publish(daemon, phones=PHONES, count=BURST, inflight=BURST)
                requests = self.fcm.requests() - before
            name = "100 ms" if speed == "slow" else "0 ms"
            self.note(f"burst, FCM at {name}: seconds to the last answer", result["seconds"])
            yield Row(f"FCM requests for 100,000 pushes to 1,000 nodes, FCM at {name}", f"{requests:,}", f"{PHONES:,}",
                      requests, 5000)

    def growth(self, minutes=10):
        """Growth over ten minutes at full rate"""
        with self.p2(phones=FAST_PHONES, fcm_connections=FAST_CONNECTIONS) as daemon:
            self.fast(daemon, seconds=60)
            looks = []
            for _ in range(minutes):
                result = self.fast(daemon, seconds=60)
                looks.append({**cast.memory(daemon.process.pid), "threads": daemon.threads(),
                              "descriptors": daemon.descriptors(), **result})
        for key, name in (("anonymous", "anonymous memory, MiB"), ("threads", "threads"),
                          ("descriptors", "descriptors"), ("cpu_us", "µs of CPU per push"), ("p99_ms", "p99, ms")):
            series = [look[key] for look in looks]
            third = max(1, len(series) // 3)
            first, last = statistics.median(series[:third]), statistics.median(series[-third:])
            self.note(f"each minute: {name}", " ".join(f"{value:.1f}" for value in series))
            # A machine that others use as well does not give the same time twice.
            limit = 1.1 if key in ("cpu_us", "p99_ms") else 1.02
            yield Row(f"growth over {minutes} minutes: {name}", f"{last:.1f}", f"{first:.1f}", last / first, limit,
                      unit=" ×")


def median(results, key):
    return statistics.median(result[key] for result in results)


FIGURES = ("cpu", "many", "latency", "registrations", "store", "burst")
# Those that take long or need more: named, or asked for by an option of their own.
OTHERS = ("growth", "mariadb")
