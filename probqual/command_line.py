"""The program: its commands are the files of ``probqual/commands``, and every error is one line."""

from __future__ import annotations

import gc
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from probqual import commands
from probqual.errors import exit_status


class CommandFiles(Mapping[str, Any]):
    """{name: command} of the files in ``probqual/commands``; a file is imported when its command is looked up."""

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(file.name for file in pkgutil.iter_modules(commands.__path__)))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, name: str) -> Any:
        if name not in list(self):
            raise KeyError(name)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        alone.command(name)(getattr(import_module(f"{commands.__name__}.{name}"), name))
        return typer.main.get_command(alone)


class Program(TyperGroup):
    """The commands behind their common options; without a command it shows its help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = CommandFiles()
        self._debug = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, without importing one."""
        return list(self.commands)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, or --help where there are none."""
        return super().parse_args(ctx, args if args or ctx.resilient_parsing else ["--help"])

    def invoke(self, ctx: Any) -> Any:
        """Run the command, knowing whether tracebacks are wanted."""
        self._debug = ctx.params["debug"]
        return super().invoke(ctx)

    def main(self, *arguments: Any, **settings: Any) -> Any:
        """Run the command line.

        Raises:
            SystemExit: always, with the exit status.
        """
        call = super().main
        settings["standalone_mode"] = False
        raise SystemExit(exit_status(lambda: call(*arguments, **settings), lambda: self._debug))


app = typer.Typer(
    name="probqual",
    cls=Program,
    help="Check claims about likelihood and reward in aligned language models, exactly and by sampling.",
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        typer.echo(f"probqual {metadata.version('probqual')}")
        raise typer.Exit


@app.callback()
def probqual(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Check claims about likelihood and reward in aligned language models, exactly and by sampling.

    Example: probqual exact examples/c5.toml
    """


def main() -> None:
    """Run the command line: every error is one line, and an interrupted command says what to do."""
    # What is imported stays, so that looking through it for garbage every 700 new objects finds none.
    gc.set_threshold(20_000)
    app()
