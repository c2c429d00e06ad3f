"""Pipelines that are generated at random with a fixed seed: the same for both SDKs and in every run."""

import random
from typing import Dict, List

from kfp import dsl

IMAGE = "python:3.11"
COUNT = 150
"""How many there are; each takes kfp about 10 ms."""


@dsl.component(base_image=IMAGE)
def say(text: str = "a") -> str:
    return text


@dsl.component(base_image=IMAGE)
def count(number: int = 1) -> int:
    return number


@dsl.component(base_image=IMAGE)
def words(text: str = "a") -> List[str]:
    return [text]


@dsl.component(base_image=IMAGE)
def parts(number: int = 1) -> List[Dict[str, str]]:
    return []


@dsl.component(base_image=IMAGE)
def join(texts: List[str]) -> str:
    return ""


@dsl.component(base_image=IMAGE)
def make(data: dsl.Output[dsl.Dataset], text: str = "a"):
    pass


@dsl.component(base_image=IMAGE)
def read(data: dsl.Input[dsl.Dataset], text: str = "a") -> str:
    return ""


@dsl.component(base_image=IMAGE)
def read_all(data: dsl.Input[List[dsl.Dataset]]) -> str:
    return ""


@dsl.pipeline
def inner(text: str, number: int = 2) -> str:
    with dsl.If(text == "a"):
        say(text=text)
    return say(text=f"{text} {number}").output


class Scope(dict):
    """The channels that a task can use, by their types."""

    def within(self):
        return Scope({kind: list(channels) for kind, channels in self.items()})

    def add(self, kind, channel):
        self.setdefault(kind, []).append(channel)


class Generator:
    """Generates the body of a pipeline at random."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.left = self.dice.randint(3, 12)
        self.tasks = []

    def body(self, scope, depth):
        for _ in range(self.dice.randint(1, 4)):
            if self.left <= 0:
                break
            throw = self.dice.random()
            if depth > 2 or throw < 0.55:
                self.task(scope)
            elif throw < 0.68:
                self.loop(scope, depth)
            elif throw < 0.78:
                with dsl.If(self.condition(scope)):
                    self.first_task(scope.within(), depth)
            elif throw < 0.92:
                self.branches(scope, depth)
            elif depth == 0:
                with dsl.ExitHandler(say(text="end")):
                    self.first_task(scope.within(), depth)

    def first_task(self, scope, depth):
        made = self.task(scope)
        self.body(scope, depth + 1)
        return made

    def one(self, scope, kind, default):
        found = scope.get(kind, [])
        return self.dice.choice(found) if found and self.dice.random() < 0.8 else default

    def text(self, scope):
        text = self.one(scope, "text", "constant")
        if self.dice.random() < 0.15:
            return f"{text} in a text"
        return text

    def task(self, scope):
        self.left -= 1
        throw = self.dice.randrange(10)
        if throw < 3:
            made = say(text=self.text(scope))
            scope.add("text", made.output)
        elif throw < 5:
            made = count(number=self.one(scope, "number", 3))
            scope.add("number", made.output)
        elif throw == 5:
            made = words(text=self.text(scope))
            scope.add("list", made.output)
        elif throw == 6:
            made = parts(number=self.one(scope, "number", 3))
            scope.add("dicts", made.output)
        elif throw == 7:
            made = make(text=self.text(scope))
            scope.add("data", made.output)
        elif throw == 8 and scope.get("data"):
            made = read(data=self.dice.choice(scope["data"]), text=self.text(scope))
            scope.add("text", made.output)
        else:
            made = inner(text=self.text(scope))
            scope.add("text", made.output)
        if self.tasks and self.dice.random() < 0.15:
            made.after(self.dice.choice(self.tasks))
        self.tasks.append(made)
        return made

    def condition(self, scope):
        if self.dice.random() < 0.6 and scope.get("text"):
            return self.dice.choice(scope["text"]) == "a"
        if scope.get("number"):
            return self.dice.choice(scope["number"]) > self.dice.choice([1, 2.5])
        return self.dice.choice(scope["text"]) != "b"

    def loop(self, scope, depth):
        throw = self.dice.random()
        if throw < 0.35:
            kind, items = "text", ["a", "b"]
        elif throw < 0.5:
            kind, items = "part", [{"a": "x", "b": "y"}, {"a": "z", "b": "w"}]
        elif throw < 0.7 and scope.get("dicts"):
            kind, items = "part", self.dice.choice(scope["dicts"])
        elif scope.get("list"):
            kind, items = "text", self.dice.choice(scope["list"])
        else:
            kind, items = "number", [1, 2]
        with dsl.ParallelFor(items, parallelism=self.dice.choice([None, 2])) as item:
            # the items of a loop over the same list, within it, would have the same name
            seen = Scope({k: [c for c in cs if c is not items] for k, cs in scope.items()})
            if kind == "part":
                seen.add("text", item.a)
                seen.add("text", item.b)
            else:
                seen.add(kind, item)
            made = say(text=self.text(seen))
            data = make(text="loop")
            self.body(seen, depth + 1)
        if self.dice.random() < 0.5:
            scope.add("list", join(texts=dsl.Collected(made.output)).output and words().output)
            if self.dice.random() < 0.5:
                scope.add("text", read_all(data=dsl.Collected(data.output)).output)

    def branches(self, scope, depth):
        made = []
        with dsl.If(self.condition(scope)):
            made.append(self.branch(scope, depth))
        if self.dice.random() < 0.4:
            with dsl.Elif(self.condition(scope)):
                made.append(self.branch(scope, depth))
        with dsl.Else():
            made.append(self.branch(scope, depth))
        if self.dice.random() < 0.6:
            scope.add("text", dsl.OneOf(*(each.output for each in made)))

    def branch(self, scope, depth):
        seen = scope.within()
        made = say(text=self.text(seen))
        self.body(seen, depth + 1)
        return made


def by_chance(seed):
    def function():
        def pipeline(text: str, number: int, some: List[str], things: List[Dict[str, str]]):
            scope = Scope(text=[text], number=[number], list=[some], dicts=[things])
            generator = Generator(seed)
            say(text=text)
            while generator.left > 0:
                generator.body(scope, 0)

        return dsl.pipeline(name=f"generated-{seed}")(pipeline)

    function.__name__ = f"seed_{seed}"
    return function


GENERATED = [by_chance(seed) for seed in range(COUNT)]
