"""What fitting ALS and item-kNN on amazon-beauty costs, in CPU time, and how many of the held-out items are among the ten best:
the package implicit, and vitrine-trainer's fit alone (fit_cpu_seconds: without reading, validation, packaging). Both fit one
thread on the training part (all but each user's last two items); recall is of a fit on all but the last one. Run by
tools/implicit-peers."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time

MAPPING = "tests/data/mappings/amazon-beauty.toml"
PROTOCOL = "tests/data/protocols/amazon-beauty.toml"


def say(program, *arguments):
    return json.loads(subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout)


def ours(given, spec, folder, snapshot, holdout):
    seconds = []
    for run in range(given.runs):
        out = f"{folder}/{spec}-{run}"
        seconds.append(say(f"{given.bin}/vitrine-trainer", "train", "--snapshot", snapshot, "--spec", f"specs/{spec}.toml",
                           "--protocol", PROTOCOL, "--out", out)["fit_cpu_seconds"])
    report = say(f"{given.bin}/vitrine", "--json", "eval", "run", f"{folder}/{spec}-0", "--holdout", holdout)
    every = next(s for s in report["slices"] if s.get("name", "all") == "all")
    return seconds, every["metrics"]["recall@10"]["mean"]


def matrix(histories, left_out):
    import numpy as np
    from scipy.sparse import csr_matrix

    pairs = {(u, item) for u, items in enumerate(histories) for item in items[:len(items) - left_out]}
    users, items = np.array(sorted(pairs)).T
    width = max(max(h) for h in histories) + 1
    return csr_matrix((np.ones(len(users), dtype=np.float32), (users, items)), shape=(len(histories), width))


def peer(given, make, histories):
    import numpy as np

    training, whole = matrix(histories, 2), matrix(histories, 1)
    seconds = []
    for _ in range(given.runs):
        model = make()
        before = time.process_time()
        model.fit(training, show_progress=False)
        seconds.append(time.process_time() - before)
    model = make()
    model.fit(whole, show_progress=False)
    users = np.arange(len(histories))
    best, _ = model.recommend(users, whole, N=10, filter_already_liked_items=True)
    return seconds, float(np.mean([histories[u][-1] in best[u] for u in users]))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", required=True)
    options.add_argument("--data", required=True)
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    from implicit.als import AlternatingLeastSquares
    from implicit.nearest_neighbours import CosineRecommender

    with open(f"{given.data}/sequences.txt", encoding="utf-8") as lines:
        histories = [[int(item) for item in line.split()[1:]] for line in lines]
    made = {"als, implicit": lambda: peer(given, lambda: AlternatingLeastSquares(factors=64, num_threads=1, random_state=1),
                                          histories),
            "item-knn, implicit": lambda: peer(given, lambda: CosineRecommender(K=100, num_threads=1), histories)}
    with tempfile.TemporaryDirectory() as folder:
        say(f"{given.bin}/vitrine-lake", "import", given.data, "--mapping", MAPPING, "--data", folder, "--json")
        snapshot = folder + "/lake/snapshots/" + say(f"{given.bin}/vitrine-lake", "clean", "--data", folder, "--json")["snapshot"]
        holdout = folder + "/holdout.jsonl"
        say(f"{given.bin}/vitrine-trainer", "split", "--snapshot", snapshot, "--protocol", PROTOCOL, "--out", holdout)
        for spec in ("als", "item-knn"):
            made[f"{spec}, vitrine"] = lambda spec=spec: ours(given, spec, folder, snapshot, holdout)
        answer = {}
        for name, measure in sorted(made.items()):
            seconds, recall = measure()
            answer[name] = {"fit_cpu_seconds": statistics.median(seconds), "runs": seconds, "recall@10": recall}
            print(f"{name:20} {statistics.median(seconds):7.3f} CPU s   recall@10 {recall:.4f}", file=sys.stderr)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
