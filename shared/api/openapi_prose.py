"""What the OpenAPI document says in sentences, in Markdown, as the page at `/api/docs` shows it."""

from typing import Final

TITLE: Final = "Azure OpenAI Sora Video Generator"

DEFAULT_ORIGIN: Final = "http://localhost:8000"
"""Stands in the commands; the page puts its own address in its place."""

_INTRODUCTION: Final = """\
Turns a prompt into an MP4 video.

Rendering takes a while, so a request starts a **job**. Its id leads to its status, and at the end to its file: three
steps, with the operations below or from a shell.

```bash
{setup}

# 1. Ask for a video, and keep the id of the job.
JOB=$(curl -s {key}-H 'Content-Type: application/json' \\
  -d '{{"prompt": "A paper boat drifting on a calm lake", "duration": 5, "width": 1280, "height": 720}}' \\
  "$API/api/generate" | grep -oE '[0-9a-z]{{26}}')

# 2. Look every two seconds until it is completed, or failed.
while curl -s {key}"$API/api/status/$JOB" | grep -E 'queued|processing'; do sleep 2; done

# 3. Save the video.
curl -f {key}-o video.mp4 "$API/api/download/gen_$JOB"
```

### The life of a job

| status | meaning |
|---|---|
| `queued` | The job is accepted and waits for the video service. |
| `processing` | The video service is working on it. |
| `completed` | The video is stored and checked; `video_url` says where. |
| `failed` | There will be no video; `error` says why. |

A job never goes back to an earlier status, and every job ends. While it has not, the answer carries `Retry-After`: the
seconds to wait before asking again. *Show a job in full* tells more: how far it is, its place in line, when each step
was done, and until when its file can be downloaded.

A job that is no longer wanted can be cancelled as long as it has not ended. Then it is `failed`, with the `error`
`Job was cancelled`; cancelling it once more changes nothing.

### Repeating a request safely

Who gets no answer cannot know whether a job was started. A request with an `Idempotency-Key` can be repeated all the
same: the key is any text of 1 to 255 characters, a new one for each video, a UUID for instance. Repeated with its key,
a request is answered with the job that it started the first time, marked by `Idempotency-Replayed: true`, and nothing
is rendered twice. Another request with the same key is refused with 422. A key is remembered at least until two days
after its job has ended. Without a key, each request is a job of its own.

### When too many wait

Jobs wait in line for the video service, in the order in which they came. While too many wait, or where too many were
accepted today (UTC), a request is answered with 429 `Too many jobs are waiting`, and nothing is started; `Retry-After`
says in how many seconds it is worth another try.

### Errors

Every error is a JSON object with the one field `detail`: a sentence, or for 422 a list with an entry for each thing
that is wrong. An address that does not exist answers 404 `Not Found`; a method that an address does not know, 405
`Method Not Allowed` with the methods that it does know in `Allow`. A request that was answered with 500 may be
sent again; only where several services fail in the same moment may the first one run as well, unless it has a key.
"""

_KEY: Final = """
### Keys

Every request about jobs needs a function key of this app: in the header `x-functions-key`, or as `code` in the query
where no header can be set, as in the `src` of a video element. Without one, the platform answers 401 with no body.
"""


def description(*, needs_key: bool) -> str:
    """Return the document's introduction, with commands that work as they stand."""
    setup = f"API={DEFAULT_ORIGIN}" + ("\nKEY=your-function-key" if needs_key else "")
    key = '-H "x-functions-key: $KEY" ' if needs_key else ""
    return _INTRODUCTION.format(setup=setup, key=key) + (_KEY if needs_key else "")


TAG: Final = "Videos"
TAG_DESCRIPTION: Final = "From a prompt to a file: generate, look, download."

KEY: Final = """\
Lets a request be repeated safely: 1 to 255 printable ASCII characters, in quotes as the draft
`draft-ietf-httpapi-idempotency-key-header-07` has it, or without quotes where there is no blank, quote or comma in it.
"""

GENERATE: Final = """\
Starts a job and answers at once. The `job_id` of the answer is where to look with *Check job status*; so is the address
in the header `Location`. With an `Idempotency-Key`, the same request can be sent again without starting a second job.
"""

STATUS: Final = """\
Shows what has become of a job. Ask again after the seconds in `Retry-After`, until the status is `completed` or
`failed`.
"""

JOB: Final = """\
Shows all that there is to know about a job, long after its file was removed, too. Whoever only waits for its end asks
*Check job status*, which costs less.
"""

CANCEL: Final = """\
Ends a job before its time. What the video service is rendering is stopped there, too, where the service can do that.
The answer is the job in full: mostly it has ended by then, otherwise it will in a moment. A job that has ended already
stays as it is, and can be cancelled as often as one likes.
"""

DOWNLOAD: Final = """\
Sends the video of a completed job as MP4. `Range` gets a part of it, so that players can seek and a download that broke
off can go on where it stopped: repeat the `ETag` in `If-Range`, and parts of two files are never put together. Other
conditions of HTTP are kept, too, dates among them. A player on a web page may use the address as it is:
`<video src="/api/download/gen_...">`.
"""

HEALTH_TAG: Final = "Health"
HEALTH_TAG_DESCRIPTION: Final = "For load balancers and watchdogs; without a key."

HEALTH: Final = """\
Answers as long as the process does, and looks at nothing.
"""

READY: Final = """\
Says whether a job could be accepted now: the app is configured, its storage and its durable backend answer. The video
service is not asked, because jobs wait while it is away. The answer may be ten seconds old, two where it is 503.
"""

INSPECT: Final = """\
Answers with the headers of the download only, size and `ETag` among them.
"""
