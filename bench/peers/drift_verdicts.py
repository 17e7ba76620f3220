"""Which of twenty columns, of which four moved, Vitrine, Evidently and NannyML call drifted by their defaults. Frames are those of
drift_cpu.py. Evidently judges a column once. NannyML judges chunks: its reference is cut into ten, and so is what it looks at.
Run by tools/drift-peers verdicts; each library in a process of its own, since they need different versions of others."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings

from drift_cpu import frame

MOVED = ("n0", "n1", "c0", "c9")


def of_evidently(reference, current):
    """{column: 1 where it is called drifted}"""
    from evidently import Report
    from evidently.presets import DataDriftPreset

    found = {}
    for metric in Report([DataDriftPreset()]).run(current, reference).dict()["metrics"]:
        config = metric.get("config", {})
        if "column" in config and "threshold" in config:
            value, threshold = float(metric["value"]), config["threshold"]
            tests = "p_value" in config.get("method", "")
            found[config["column"]] = float(value < threshold if tests else value >= threshold)
    return found


def of_nannyml(reference, current):
    """{column: share of ten chunks that alarm}"""
    import nannyml

    judge = nannyml.UnivariateDriftCalculator(column_names=list(reference.columns), chunk_number=10)
    judge.fit(reference)
    table = judge.calculate(current).filter(period="analysis").to_df()
    return {name: float(table[[key for key in table.columns if key[0] == name and key[-1] == "alert"]].mean().iloc[0])
            for name in reference.columns}


def of_vitrine(lake, rows, seed):
    with tempfile.TemporaryDirectory() as folder:
        frame(rows, 2 * seed, False).to_parquet(f"{folder}/a.parquet", index=False)
        frame(rows, 2 * seed + 1, True).to_parquet(f"{folder}/b.parquet", index=False)
        out = subprocess.run([lake, "drift", f"{folder}/a.parquet", f"{folder}/b.parquet", "--json"],
                             check=False, capture_output=True, text=True)
    report = json.loads(out.stdout)
    return {column["column"]: float(column["drifted"]) for column in report["columns"]}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--lake", required=True)
    options.add_argument("--rows", type=int, nargs="+", default=[1000, 10_000, 100_000])
    options.add_argument("--seeds", type=int, default=10)
    options.add_argument("--path", action="append", default=[], help="NAME=FOLDER of a library's packages")
    options.add_argument("--child")
    given = options.parse_args()
    if given.child:
        warnings.filterwarnings("ignore")
        name, rows, seed = given.child.split(",")
        judge = {"evidently": of_evidently, "nannyml": of_nannyml}[name]
        print(json.dumps(judge(frame(int(rows), 2 * int(seed), False), frame(int(rows), 2 * int(seed) + 1, True))))
        return
    paths = dict(path.split("=", 1) for path in given.path)
    print(f"{'':<10} {'rows':>8}  {'of 4 moved':>10}  {'of 16 others':>12}   (mean of {given.seeds} pairs of frames)")
    for rows in given.rows:
        for name in ("vitrine", "evidently", "nannyml"):
            moved = others = 0.0
            for seed in range(1, given.seeds + 1):
                if name == "vitrine":
                    found = of_vitrine(given.lake, rows, seed)
                else:
                    child = subprocess.run(
                        [sys.executable, __file__, "--lake", "", "--child", f"{name},{rows},{seed}"], check=True,
                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                        env={**os.environ, "PYTHONPATH": paths[name]})
                    found = json.loads(child.stdout.splitlines()[-1])
                assert len(found) == 20, (name, sorted(found))
                moved += sum(found[column] for column in MOVED)
                others += sum(share for column, share in found.items() if column not in MOVED)
            print(f"{name:<10} {rows:>8}  {moved / given.seeds:>10.2f}  {others / given.seeds:>12.2f}", flush=True)


if __name__ == "__main__":
    main()
