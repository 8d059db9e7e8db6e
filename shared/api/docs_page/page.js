"use strict";

// The page at /api/docs: Swagger UI with two additions of our own. A downloaded video plays where its bytes would be
// shown, and each step of a job fills in the id for those that may follow and leads to the next one.

const DOCUMENT = "/openapi.json";
const ORIGIN_IN_COMMANDS = "http://localhost:8000";

const STATUS = { path: "/api/status/{job_id}", parameter: "job_id", operation: ["Videos", "getStatus"] };
const DOWNLOAD = { path: "/api/download/{file_id}", parameter: "file_id", operation: ["Videos", "downloadVideo"] };
const OF_JOBS = [[STATUS.path, "get"], ["/api/jobs/{job_id}", "get"], ["/api/jobs/{job_id}", "delete"]];

// What the text of an answer leads to; nothing after an error, nor from a job that has no file.
function nextStep(text) {
  const job = parsed(text);
  const underWay = ["queued", "processing"].includes(job?.status);
  if (underWay && typeof job.job_id === "string") {
    return { ...STATUS, id: job.job_id, words: "The job is under way.", link: "See its status" };
  }
  if (job?.status === "completed" && typeof job.video_url === "string") {
    return { ...DOWNLOAD, id: job.video_url.split("/").pop(), words: "The video is ready.", link: "Get the video" };
  }
  return null;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function jobSteps(system) {
  const { createElement, useEffect, useState } = system.React;

  function NextStep({ step, url }) {
    if (step.path === STATUS.path && /\/api\/(status|jobs)\//.test(url)) {
      return createElement("p", { className: "next-step" }, "The job is still under way: execute again in a moment.");
    }
    const place = ["operations", ...step.operation];
    const go = () => {
      system.layoutActions.show(place, true);
      document.getElementById(place.join("-")).scrollIntoView({ behavior: "smooth" });
    };
    return createElement(
      "p",
      { className: "next-step" },
      `${step.words} `,
      createElement("button", { type: "button", onClick: go }, step.link),
    );
  }

  function Player({ content, name }) {
    const [address, setAddress] = useState(null);
    useEffect(() => {
      const made = URL.createObjectURL(content);
      setAddress(made);
      return () => URL.revokeObjectURL(made);
    }, [content]);
    return (
      address &&
      createElement(
        "div",
        { className: "player" },
        createElement("video", { src: address, controls: true, playsInline: true }),
        createElement("p", null, createElement("a", { href: address, download: name }, `Save ${name}`)),
      )
    );
  }

  const responseBody = (Original) => (props) => {
    const { content, contentType, headers, url } = props;
    // An answer may be without a type (the platform's own 401), a body (HEAD) or a beginning (a range): no video then.
    if (contentType?.startsWith("video/") && content instanceof Blob && content.size && !headers?.["content-range"]) {
      return createElement(Player, { content, name: `${url.split("?")[0].split("/").pop()}.mp4` });
    }
    const step = typeof content === "string" ? nextStep(content) : null;
    return createElement("div", null, createElement(Original, props), step && createElement(NextStep, { step, url }));
  };

  const setResponse = (original) => (path, method, answer) => {
    const fill = (operation, parameter, id) => system.specActions.changeParam(operation, parameter, "path", id, false);
    const step = nextStep(answer.text);
    if (step?.path === STATUS.path) {
      OF_JOBS.forEach((operation) => fill(operation, step.parameter, step.id));
    } else if (step) {
      fill([step.path, "get"], step.parameter, step.id);
    }
    return original(path, method, answer);
  };

  return { wrapComponents: { responseBody }, statePlugins: { spec: { wrapActions: { setResponse } } } };
}

// Where no operation needs a key, none is asked for; and none is put into an address, which servers write to their logs.
function withFewerKeys(description) {
  const schemes = description.components.securitySchemes;
  const operations = Object.values(description.paths).flatMap(Object.values);
  const needed = operations.some(
    ({ security }) => security.length > 0 && security.every((way) => Object.keys(way).length > 0),
  );
  for (const name of Object.keys(schemes)) {
    if (!needed || schemes[name].in === "query") {
      delete schemes[name];
    }
  }
  if (!needed) {
    delete description.components.securitySchemes;
  }
  for (const operation of operations) {
    operation.security = operation.security.filter((way) => Object.keys(way).some((name) => name in schemes));
  }
  return description;
}

async function show() {
  const answer = await fetch(DOCUMENT);
  const description = JSON.parse((await answer.text()).replaceAll(ORIGIN_IN_COMMANDS, location.origin));
  const { layoutActions } = SwaggerUIBundle({
    spec: withFewerKeys(description),
    dom_id: "#docs",
    plugins: [jobSteps],
    validatorUrl: null,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    defaultModelsExpandDepth: 0,
    supportedSubmitMethods: ["get", "head", "post", "delete"],
  }).getSystem();
  layoutActions.show(["operations", "Videos", "generateVideo"], true);
}

show().catch(() => {
  const sorry = Object.assign(document.createElement("p"), { className: "loading" });
  sorry.textContent = "The description of the API could not be loaded. Reload the page to try again.";
  document.getElementById("docs").replaceChildren(sorry);
});
