"""What comparing two frames of a million rows and twenty columns costs, in CPU time and memory: vitrine-lake drift, a plain
loop of scipy's KS and a PSI, and Evidently's DataDriftPreset, each in a process of its own, in turn. Run by tools/drift-peers."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

LEVELS = [10, 20, 50, 100, 200, 300, 400, 500, 750, 1000]


# numpy and pandas are imported by the children alone: a child's peak memory begins with its parent's.


def frame(rows, seed, moved):
    """Ten normal columns and ten of words; n0, n1, c0 and c9 move."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(seed)
    columns = {}
    for i in range(10):
        values = draw.standard_normal(rows)
        if moved and i == 0:
            values = values + 0.3
        if moved and i == 1:
            values = values * 1.3
        columns[f"n{i}"] = np.round(values, 6)
    for i, levels in enumerate(LEVELS):
        weights = 1 / np.arange(1, levels + 1) ** 1.05
        if moved and i in (0, 9):
            weights = weights * np.where(np.arange(levels) % 2, 1.6, 0.6)
        drawn = draw.choice(levels, rows, p=weights / weights.sum())
        columns[f"c{i}"] = np.char.add(f"v{i}_", drawn.astype(str))
    return pd.DataFrame(columns)


def psi(reference, current):
    import numpy as np

    r = np.where(reference == 0, 1e-4, reference / reference.sum())
    c = np.where(current == 0, 1e-4, current / current.sum())
    return float(((c - r) * np.log(c / r)).sum())


def scipy_loop(reference, current):
    import numpy as np
    import pandas as pd
    from scipy.stats import ks_2samp

    for name in reference.columns:
        a, b = reference[name], current[name]
        if a.dtype.kind == "f":
            ks_2samp(a, b, method="asymp")
            edges = np.quantile(a, np.arange(1, 10) / 10)
            psi(np.bincount(np.searchsorted(edges, a, "right"), minlength=10),
                np.bincount(np.searchsorted(edges, b, "right"), minlength=10))
        else:
            both = pd.concat([a.value_counts(), b.value_counts()], axis=1).fillna(0).to_numpy()
            psi(both[:, 0], both[:, 1])


def evidently(reference, current):
    from evidently import Report
    from evidently.presets import DataDriftPreset

    Report([DataDriftPreset()]).run(current, reference)


def as_child(name, folder, rows):
    """The measured work and nothing else: what reading the files costs is counted for all three."""
    import pandas as pd

    if name == "frames":
        frame(rows, 20261, False).to_parquet(f"{folder}/reference.parquet", index=False)
        frame(rows, 20262, True).to_parquet(f"{folder}/current.parquet", index=False)
        return
    reference = pd.read_parquet(f"{folder}/reference.parquet")
    current = pd.read_parquet(f"{folder}/current.parquet")
    {"scipy": scipy_loop, "evidently": evidently}[name](reference, current)


def cost(command):
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--lake", required=True)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--child")
    options.add_argument("--folder")
    given = options.parse_args()
    if given.child:
        as_child(given.child, given.folder, given.rows)
        return
    with tempfile.TemporaryDirectory() as folder:
        def child(name):
            return [sys.executable, __file__, "--lake", "", "--child", name, "--folder", folder, "--rows", str(given.rows)]

        cost(child("frames"))
        commands = {"vitrine": [given.lake, "drift", f"{folder}/reference.parquet", f"{folder}/current.parquet"],
                    "scipy": child("scipy"), "evidently": child("evidently")}
        measured = {name: [] for name in commands}
        for _ in range(given.runs):
            for name, command in commands.items():
                measured[name].append(cost(command))
    ours = statistics.median(seconds for seconds, _ in measured["vitrine"])
    answer = {}
    for name, costs in measured.items():
        seconds = statistics.median(s for s, _ in costs)
        memory = max(m for _, m in costs)
        answer[name] = {"cpu_seconds": seconds, "mebibytes": memory, "times_ours": seconds / ours}
        print(f"{name:10} {seconds:8.2f} CPU s {memory:8.0f} MiB {seconds / ours:7.1f} times ours", file=sys.stderr)
    print(json.dumps({"rows": given.rows, "runs": given.runs, "peers": answer}))


if __name__ == "__main__":
    main()
