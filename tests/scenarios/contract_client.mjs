// A front-end as the contract shows one: fetch, JSON, a look every so often, the file at the end.
// usage: node contract_client.mjs BASE_URL PROMPT FILE
import { writeFile } from "node:fs/promises";

const [base, prompt, file] = process.argv.slice(2);

async function read(response) {
  const data = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(data.detail));
  return data;
}

const { job_id } = await read(
  await fetch(`${base}/api/generate`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ prompt, duration: 1, width: 256, height: 256 }),
  }),
);

let job = await read(await fetch(`${base}/api/status/${job_id}`));
while (job.status === "queued" || job.status === "processing") {
  await new Promise((resolve) => setTimeout(resolve, 200));
  job = await read(await fetch(`${base}/api/status/${job_id}`));
}
if (job.status !== "completed") throw new Error(job.error);

const video = await fetch(`${base}${job.video_url}`);
if (!video.ok) throw new Error(`HTTP ${video.status}`);
await writeFile(file, Buffer.from(await video.arrayBuffer()));
console.log(job_id);
