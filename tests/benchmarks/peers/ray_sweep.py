"""A sweep by Ray Tune: Keras's fit in worker processes, as many as there are processors."""

import ray
from asked import WORKERS, folder, train, trials
from ray import tune


def main() -> None:
    asked = folder()
    count = len(trials(asked)[0])

    def objective(config: dict[str, int]) -> None:
        tune.report({"score": train(asked, config["index"])})

    ray.init(
        num_cpus=WORKERS,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        _temp_dir=str(asked / "session"),
    )
    found = tune.Tuner(
        tune.with_resources(objective, {"cpu": 1}),
        param_space={"index": tune.grid_search(list(range(count)))},
        tune_config=tune.TuneConfig(metric="score", mode="max"),
        run_config=tune.RunConfig(storage_path=str(asked / "ray"), verbose=0),
    ).fit()
    ray.shutdown()
    assert not found.errors, found.errors[0]


if __name__ == "__main__":
    main()
