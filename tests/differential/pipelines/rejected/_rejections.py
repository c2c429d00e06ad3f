"""Collects the rejected definitions of a module."""

from kfp import dsl


class Rejections(list):
    """Pairs of a function, which both SDKs reject, and a text that Headrace's message contains."""

    def definition(self, text):
        """Adds a function whose call is rejected."""

        def add(function):
            self.append((function, text))
            return function

        return add

    def in_pipeline(self, text):
        """Adds the body of a pipeline without inputs, whose definition is rejected."""

        def add(body):
            def function():
                dsl.pipeline(body)

            function.__name__ = body.__name__
            self.append((function, text))
            return body

        return add
