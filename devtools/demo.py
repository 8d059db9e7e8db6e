"""`demo`: a prompt becomes an MP4 in `out/`, on a fresh stack that is gone again afterwards."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import av
import httpx
from rich.console import Console

from devtools.demo_client import DemoClient, JobFailedError
from devtools.demo_progress import progress_on
from devtools.stack import Stack
from devtools.stack_command import STACK_PROBLEMS, StopRequest
from devtools.stack_supervisor import InterruptedStartError

PATIENCE_SECONDS = 600.0  # beyond the simulator's own render time
INTERRUPTED = 130


@dataclass(frozen=True)
class Video:
    """What a downloaded file turned out to be."""

    width: int
    height: int
    seconds: float


def run(arguments: argparse.Namespace) -> int:
    """Make the video and say where it is; returns the exit status."""
    console = Console(highlight=False, soft_wrap=True)
    stack = Stack(arguments.state, render_seconds=arguments.render_seconds, fresh=True)
    interrupted = StopRequest(stack.hurry)
    try:
        console.print("Starting the local stack ...")
        stack.start(interrupted.requested)
        try:
            path = make_video(arguments, stack, console, interrupted)
            console.print(describe(path, probe(path)), markup=False)
        except httpx.HTTPError:
            stack.supervisor.check()  # a part that has crashed is the better explanation
            raise
        finally:
            stack.stop()
    except (InterruptedStartError, InterruptedError):
        print("Interrupted; everything is stopped.", file=sys.stderr)
        return INTERRUPTED
    except STACK_PROBLEMS as error:
        print(error, file=sys.stderr)
        return 1
    except (JobFailedError, httpx.HTTPError) as error:
        sentence = error if isinstance(error, JobFailedError) else f"The app did not answer: {error!r}."
        print(f"{sentence} The logs are in {arguments.state / 'logs'}.", file=sys.stderr)
        return 1
    return 0


def make_video(arguments: argparse.Namespace, stack: Stack, console: Console, interrupted: StopRequest) -> Path:
    """Send the request, follow the job and fetch the file."""
    with DemoClient(stack.app, stack.simulator) as client:
        job_id = client.submit(
            arguments.prompt, duration=arguments.duration, width=arguments.width, height=arguments.height
        )
        console.print(f'Job {job_id}: "{arguments.prompt}"', markup=False)
        patience = arguments.render_seconds + PATIENCE_SECONDS
        video_url = ""
        with progress_on(console) as progress:
            for snapshot in client.follow(job_id, deadline_seconds=patience):
                if interrupted.requested.is_set():
                    raise InterruptedError
                stack.supervisor.check()
                progress.show(snapshot)
                video_url = snapshot.video_url
        path: Path = arguments.out / f"{job_id}.mp4"
        client.download(video_url, path)
    return path


def probe(path: Path) -> Video:
    """Open the file and decode a frame of it; JobFailedError if it is no playable video."""
    try:
        with av.open(path) as container:
            frame = next(container.decode(video=0))
            return Video(frame.width, frame.height, (container.duration or 0) / av.time_base)
    except (av.FFmpegError, StopIteration, IndexError) as error:
        raise JobFailedError(f"{path} is not a playable video ({error}).") from error


def describe(path: Path, video: Video) -> str:
    """Path, size, resolution and duration in a line."""
    megabytes = path.stat().st_size / 1_000_000
    return f"{path}  {megabytes:.2f} MB  {video.width}x{video.height}  {video.seconds:.1f} s"
