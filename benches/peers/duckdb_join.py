#!/usr/bin/env python3
"""The diff as DuckDB does it: full outer joins on ids over Parquet, field by field. Needs `pip install duckdb`.

    duckdb_join.py convert CSV_FOLDER PARQUET_FOLDER   CSV, as `scale csv` writes it, becomes Parquet
    duckdb_join.py diff BEFORE AFTER TRUTH             what differs between two folders of Parquet; run it in a process of its own

`diff` finds the changes, and then writes them into one file beside the truth, in the order in which they can be applied: what each is and
about whom, which fields changed, and all fields as they are afterwards. It prints the line that `scale plan` prints: CPU and wall time in
microseconds, the most resident memory in KiB, and bytes read and written, all of the whole process; once when the changes are found
(`found`), and once when they are written (`usage`). After that it compares its counts with those of the truth. IDSYNC_BENCH_DUCKDB_THREADS
and IDSYNC_BENCH_DUCKDB_MEMORY (such as 512MB) set what DuckDB may use; unset, it uses what it finds.
"""

import os
import resource
import sys
import time

START = time.monotonic()

import duckdb  # noqa: E402

MEMBERSHIPS = ("group.user_added", "group.user_removed")


def convert(csv, parquet):
    os.makedirs(parquet, exist_ok=True)
    connection = duckdb.connect()
    for name in ("users", "groups", "members"):
        source, target = os.path.join(csv, name + ".csv"), os.path.join(parquet, name + ".parquet")
        # Every field stays the text that it is in the files: costCenter and employeeNumber are no numbers.
        rows = f"read_csv('{source}', all_varchar=true, header=true, delim=',', quote='\"', escape='\"')"
        connection.execute(f"copy (from {rows}) to '{target}' (format parquet)")


def entries(connection, kind, before, after):
    """One table of changes: what happened to each id, which columns changed, and all as they are afterwards."""
    table, name = kind + "s", kind
    columns = [row[0] for row in connection.execute(f"describe from '{after}/{table}.parquet'").fetchall() if row[0] != "id"]
    differs = " or ".join(f'a."{column}" is distinct from b."{column}"' for column in columns)
    changed = ", ".join(f"case when a.\"{column}\" is distinct from b.\"{column}\" then '{column}' end" for column in columns)
    connection.execute(f"""
        create temp table {table}_changed as
        select case when b.id is null then '{name}.created' when a.id is null then '{name}.deleted' else '{name}.updated' end as kind,
               coalesce(a.id, b.id) as id, case when a.id = b.id then concat_ws(' ', {changed}) end as changed, a.* exclude (id)
        from '{before}/{table}.parquet' b full outer join '{after}/{table}.parquet' a on a.id = b.id
        where a.id is null or b.id is null or {differs}""")
    return connection.execute(f"select kind, count(*) from {table}_changed group by kind").fetchall()


def memberships(connection, before, after):
    connection.execute(f"""
        create temp table memberships_changed as
        select case when b.gid is null then '{MEMBERSHIPS[0]}' else '{MEMBERSHIPS[1]}' end as kind,
               coalesce(a.gid, b.gid) as gid, coalesce(a.uid, b.uid) as uid
        from '{before}/members.parquet' b full outer join '{after}/members.parquet' a on a.gid = b.gid and a.uid = b.uid
        where a.gid is null or b.gid is null""")
    return connection.execute("select kind, count(*) from memberships_changed group by kind").fetchall()


def write(connection, path):
    """All changes in one file, in the order in which they can be applied."""
    kinds = [f"{kind}.{what}" for what in ("created", "updated") for kind in ("group", "user")]
    kinds += [*MEMBERSHIPS, "group.deleted", "user.deleted"]
    phase = "case kind " + " ".join(f"when '{kind}' then {place}" for place, kind in enumerate(kinds)) + " end"
    entries = [
        f"select kind, id, null as uid, changed, concat_ws(',', *columns(* exclude (kind, id, changed))) as fields from {table}_changed"
        for table in ("users", "groups")
    ]
    connection.execute(f"""
        copy (
            select * from ({" union all ".join(entries)} union all select kind, gid, uid, null, null from memberships_changed)
            order by {phase}, id, uid
        ) to '{path}' (format csv)""")


def figures(path, *names):
    """Numbers by name out of a file of the kernel; zero where it has none."""
    try:
        with open(path, encoding="ascii") as lines:
            found = dict(line.split(":", 1) for line in lines)
    except OSError:
        found = {}
    return [int(found.get(name, "0").split()[0]) for name in names]


def tell(what):
    wall, usage = time.monotonic() - START, resource.getrusage(resource.RUSAGE_SELF)
    [peak], [read, written] = figures("/proc/self/status", "VmHWM"), figures("/proc/self/io", "rchar", "wchar")
    cpu = usage.ru_utime + usage.ru_stime
    print(what, round(cpu * 1e6), round(wall * 1e6), peak or usage.ru_maxrss, read, written)


def diff(before, after, truth):
    connection = duckdb.connect()
    for setting, name in (("threads", "IDSYNC_BENCH_DUCKDB_THREADS"), ("memory_limit", "IDSYNC_BENCH_DUCKDB_MEMORY")):
        if name in os.environ:
            connection.execute(f"set {setting} = '{os.environ[name]}'")
    found = dict(entries(connection, "user", before, after) + entries(connection, "group", before, after))
    found.update(memberships(connection, before, after))
    tell("found")
    changes = os.path.join(os.path.dirname(truth), "duckdb-changes.csv")
    write(connection, changes)
    tell("usage")
    os.remove(changes)
    with open(truth, encoding="ascii") as lines:
        expected = {kind: int(count) for kind, count, _ in (line.split() for line in lines)}
    expected = {kind: count for kind, count in expected.items() if count}
    if found != expected:
        sys.exit(f"DuckDB found something else.\nthe truth: {expected}\nfound: {found}")


def main():
    match sys.argv[1:]:
        case ["convert", csv, parquet]:
            convert(csv, parquet)
        case ["diff", before, after, truth]:
            diff(before, after, truth)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
