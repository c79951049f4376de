"""The list of scenarios for the Python driver: `python3 scenarios.py URI`. A line of JSON for each, as scenarios.mjs prints them."""
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import neo4j
from neo4j.exceptions import Neo4jError
from neo4j.spatial import CartesianPoint, WGS84Point
from neo4j.time import Date, DateTime, Duration, Time

URI = sys.argv[1]
VERSION = "python " + neo4j.__version__
driver = neo4j.GraphDatabase.driver(URI, auth=("admin", "73@TuGraph"))


def say(scenario, ok, detail=None):
    print(json.dumps({"scenario": scenario, "ok": ok, "detail": detail}), flush=True)


def session(**options):
    return driver.session(**{"database": "default", **options})


def value(runner, text, **parameters):
    return runner.run(text, parameters).single()[0]


def refused(code, work):
    try:
        work()
    except Neo4jError as error:
        assert error.code.startswith(code), error.code
    else:
        raise AssertionError(f"{code} was expected")


def wrong_password():
    with neo4j.GraphDatabase.driver(URI, auth=("admin", "wrong")) as other:
        refused("Neo.ClientError.Security.Unauthorized", lambda: other.execute_query("RETURN 1"))


def values():
    some = [
        None, True, 0, 2**63 - 1, -(2**63), 1.5, "größer 漢字 🙂", [1, "two", [3.5, None]], {"a": 1, "b": {"c": [True]}}, b"\x00\x01\xff",
        Date(2024, 2, 29), Time(12, 30, 1, 5), DateTime(1969, 12, 31, 23, 0, 0, 1), Duration(months=14, days=-3, seconds=5, nanoseconds=7),
        WGS84Point((13.4, 52.5)), CartesianPoint((1.0, 2.0, 3.0)),
    ]
    with session() as s:
        for one in some:
            assert value(s, "RETURN $one", one=one) == one, one
        assert value(s, "RETURN date('2024-02-29')").to_native() == date(2024, 2, 29)
        assert str(value(s, "RETURN datetime('2024-06-01T12:00:00[Europe/Berlin]')").tzinfo) == "Europe/Berlin"
        refused("Neo.ClientError.Statement.ArithmeticError", lambda: s.run("RETURN 9223372036854775807 + 1").consume())


def paths():
    with session() as s:
        s.run("CREATE (:PythonPath {i: 0})-[:T {w: 1}]->(:PythonPath {i: 1})").consume()
        path = value(s, "MATCH p = (:PythonPath {i: 0})-->() RETURN p LIMIT 1")
        assert [path.start_node["i"], path.relationships[0].type, path.end_node["i"]] == [0, "T", 1]


def transactions():
    with session() as s:
        for label, end in (("PythonKept", "commit"), ("PythonUndone", "rollback")):
            tx = s.begin_transaction()
            tx.run(f"CREATE (:{label})").consume()
            getattr(tx, end)()
        assert value(s, "MATCH (n:PythonKept) RETURN count(n)") > 0
        assert value(s, "MATCH (n:PythonUndone) RETURN count(n)") == 0


def conflicts():
    def increment(tx):
        n = value(tx, "MATCH (c:Counter {name: $name}) RETURN c.n", name=VERSION)
        tx.run("MATCH (c:Counter {name: $name}) SET c.n = $n", name=VERSION, n=n + 1).consume()

    def unit(_):
        with session() as s:
            s.execute_write(increment)

    with session() as s:
        s.run("CREATE (:Counter {name: $name, n: 0})", name=VERSION).consume()
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(unit, range(5)))
    with session() as s:
        assert value(s, "MATCH (c:Counter {name: $name}) RETURN c.n", name=VERSION) == 5


def routing():
    def server(mode):
        with session(default_access_mode=mode) as s:
            return s.run("RETURN 1").consume().server.address

    assert server(neo4j.READ_ACCESS) != server(neo4j.WRITE_ACCESS)


def causal():
    text = "MERGE (c:Causal {name: $name}) SET c.n = coalesce(c.n, 0) + 1 RETURN c.n"
    for _ in range(10):
        with session() as s:
            written = s.execute_write(lambda tx: value(tx, text, name=VERSION))
            assert s.execute_read(lambda tx: value(tx, "MATCH (c:Causal {name: $name}) RETURN c.n", name=VERSION)) == written


def read_only():
    with session() as s:
        refused("Neo.ClientError.Statement.AccessMode", lambda: s.execute_read(lambda tx: tx.run("CREATE (:No)").consume()))


def summaries():
    with session() as s:
        assert s.run("CREATE (:Counted {a: 1})").consume().counters.nodes_created == 1
        assert s.run("EXPLAIN MATCH (n) RETURN n").consume().plan["operatorType"]
        assert s.run("PROFILE MATCH (n) RETURN count(n)").consume().profile["operatorType"]


def timeout():
    text = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a WHERE a < 0 RETURN a"
    with session() as s:
        refused("Neo.ClientError.Transaction.TransactionTimedOut", lambda: s.run(neo4j.Query(text, timeout=0.5)).consume())


def large():
    with session(fetch_size=100) as s:
        assert sum(1 for _ in s.run("UNWIND range(1, 20000) AS i RETURN i")) == 20000


def database():
    with session(database="nowhere") as s:
        refused("Neo.ClientError.Database.DatabaseNotFound", lambda: s.run("RETURN 1").consume())


def errors():
    with session() as s:
        refused("Neo.ClientError.Statement.SyntaxError", lambda: s.run("RETURN oops").consume())
        assert value(s, "RETURN 1") == 1


def failover():
    """The caller kills the leader when it reads the announcement."""
    with session() as s:
        s.run("CREATE (:Failover {name: $name, n: 0})", name=VERSION).consume()
    print(json.dumps({"announce": "failover"}), flush=True)
    end = time.monotonic() + 6
    while time.monotonic() < end:
        with session() as s:
            s.execute_write(lambda tx: tx.run("MATCH (f:Failover {name: $name}) SET f.n = f.n + 1", name=VERSION).consume())


SCENARIOS = {
    "wrong password is refused": wrong_password, "values round trip": values, "nodes, relationships and paths": paths, "commit, rollback": transactions,
    "conflicts are retried": conflicts, "routing: reads and writes at different servers": routing, "causal reads by bookmark": causal,
    "a read transaction may not write": read_only, "counters, plan and profile": summaries, "transaction timeout": timeout, "large result with back-pressure": large,
    "database selection": database, "errors leave the session usable": errors, "failover with managed transactions": failover,
}

with session() as first:
    server_info = first.run("RETURN 1").consume().server
say("connect", True, {"driver": f"neo4j (Python) {neo4j.__version__}", "protocol": ".".join(map(str, server_info.protocol_version))})
for name, run in SCENARIOS.items():
    try:
        run()
        say(name, True)
    except Exception as error:  # Whatever it is, it is the result of this scenario.
        say(name, False, f"{type(error).__name__} {getattr(error, 'code', '')} {error}"[:500])
driver.close()
