"""A sweep by hydra-optuna-sweeper: Keras's fit in worker processes of the joblib launcher."""

import sys
from pathlib import Path

import hydra
from asked import WORKERS, folder, train, trials
from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=None)
def objective(config: DictConfig) -> float:
    return train(Path(config.asked), config.index)


def main() -> None:
    asked = folder()
    count = len(trials(asked)[0])
    sys.argv[1:] = [
        *("--multirun", "hydra/sweeper=optuna", "hydra/sweeper/sampler=grid"),
        *("hydra/launcher=joblib", f"hydra.launcher.n_jobs={WORKERS}"),
        *(f"hydra.sweeper.n_jobs={WORKERS}", f"hydra.sweeper.n_trials={count}"),
        *("hydra.sweeper.direction=maximize", f"hydra.sweep.dir={asked / 'hydra'}"),
        *(f"+asked={asked}", f"+index=range(0,{count})"),
    ]
    objective()


if __name__ == "__main__":
    main()
