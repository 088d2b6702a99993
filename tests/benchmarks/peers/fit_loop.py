"""A sweep as a loop: Keras's fit, trial after trial, in one process on one thread."""

from asked import folder, train, trials


def main() -> None:
    for index in range(len(trials(folder())[0])):
        train(folder(), index)


if __name__ == "__main__":
    main()
