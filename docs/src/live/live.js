// The live part of a page: a command line, the drawing of a structure, a slider over the recorded steps, and a log.
//
//     <redcore-live structure="sds" start="set hello; append world" try="grow 300; shrink">
//         What the page shows without scripts.
//     </redcore-live>
//
// `start` are the commands that the page begins with, and `try` are commands that it offers. The structure is the
// WebAssembly module of the same name, which a script of this folder contains. `crates/live` has its source.

"use strict";

(() => {
    /** The number of recorded steps that the log shows before and after the current one. */
    const LOG_BEFORE = 5;
    const LOG_AFTER = 2;

    /** Returns a new element with attributes and children. Functions become event listeners. */
    function element(name, attributes = {}, ...children) {
        const node = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) {
            if (typeof value === "function") {
                node.addEventListener(key, value);
            } else {
                node.setAttribute(key, value);
            }
        }
        node.append(...children);
        return node;
    }

    /** Returns the commands of an attribute. */
    function commands(text) {
        return (text ?? "").split(";").map((command) => command.trim()).filter(Boolean);
    }

    /** Returns the class `Live` of a module. */
    async function load({ bindings, gzip }) {
        const compressed = Uint8Array.from(atob(gzip), (character) => character.charCodeAt(0));
        const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"));
        const bytes = await new Response(stream).arrayBuffer();
        await bindings({ module_or_path: bytes });
        return bindings.Live;
    }

    class LivePart extends HTMLElement {
        /** The commands that were typed, the place in them that the arrow keys have reached, and the line after them. */
        #typed = [];
        #place = 0;
        #draft = "";
        /** The recording: an instance of the class `Live`. */
        #live;
        #started = false;
        /** The step that the next frame shows, and the number of that frame, or 0. */
        #wanted = 0;
        #frame = 0;

        async connectedCallback() {
            if (this.#started) {
                return; // the element was moved
            }
            this.#started = true;
            const module = globalThis.redcoreModules?.[this.getAttribute("structure")];
            if (!module?.gzip) {
                this.prepend(this.#note("This book was built without its live parts, because the target wasm32-unknown-unknown was missing."));
                return;
            }
            try {
                const Live = await (module.loaded ??= load(module));
                this.#live = new Live();
                this.#build(Live.commands().split("\n"), module.size);
                for (const command of commands(this.getAttribute("start"))) {
                    this.#live.run(command);
                }
                this.#show();
                this.dataset.ready = Math.round(performance.now());
            } catch (error) {
                this.prepend(this.#note(`The live part could not be started: ${error}`));
                throw error;
            }
        }

        #note(text) {
            return element("p", { class: "live-note" }, text);
        }

        /** Replaces what the page shows without scripts. */
        #build(usage, size) {
            this.input = element("input", {
                type: "text",
                name: "command",
                autocomplete: "off",
                autocapitalize: "off",
                spellcheck: "false",
                placeholder: usage[0],
                keydown: (event) => this.#recall(event),
            });
            this.form = element(
                "form",
                { class: "live-form", submit: (event) => this.#submit(event) },
                element("label", {}, "Command ", this.input),
                element("button", { type: "submit" }, "Run"),
            );
            this.answer = element("p", { class: "live-answer", role: "status" });
            this.drawing = element("div", { class: "live-drawing" });
            this.slider = element("input", {
                type: "range",
                min: "0",
                step: "1",
                "aria-label": "Step",
                input: () => this.#seek(Number(this.slider.value)),
            });
            this.count = element("span", { class: "live-count" });
            const move = (label, text, step) =>
                element("button", { type: "button", "aria-label": label, title: label, click: () => this.#seek(step()) }, text);
            const steps = element(
                "div",
                { class: "live-steps" },
                move("First step", "«", () => 0),
                move("Step back", "‹", () => Math.max(this.#next() - 1, 0)),
                this.slider,
                move("Step forwards", "›", () => this.#next() + 1),
                move("Last step", "»", () => this.#live.steps()),
                this.count,
            );
            this.log = element("ol", { class: "live-log", "aria-label": "Log" });
            const offered = commands(this.getAttribute("try")).map((command) =>
                element("button", { type: "button", click: () => this.#run(command) }, command),
            );
            const all = element(
                "details",
                {},
                element("summary", {}, "All commands"),
                element("ul", {}, ...usage.map((line) => element("li", {}, element("code", {}, line)))),
            );
            this.replaceChildren(
                this.form,
                element("p", { class: "live-try" }, "Try: ", ...offered),
                all,
                this.answer,
                steps,
                this.drawing,
                this.log,
                this.#note(`The WebAssembly module of this page has ${Math.ceil(size / 1024)} KB, compressed.`),
            );
        }

        #submit(event) {
            event.preventDefault();
            const command = this.input.value.trim();
            if (command !== "" && this.#run(command)) {
                this.#typed.push(command);
                this.#place = this.#typed.length;
                this.input.value = "";
            }
        }

        /** The arrow keys bring back what was typed. */
        #recall(event) {
            const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
            const place = Math.min(Math.max(this.#place + by, 0), this.#typed.length);
            const isPlain = !(event.isComposing || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey);
            if (by === undefined || !isPlain || place === this.#place) {
                return;
            }
            event.preventDefault();
            if (this.#place === this.#typed.length) {
                this.#draft = this.input.value;
            }
            this.#place = place;
            this.input.value = this.#typed[place] ?? this.#draft;
        }

        /** Runs a command and returns whether it was valid. */
        #run(command) {
            if (this.#frame !== 0) {
                // The command continues from the step that the reader has asked for.
                cancelAnimationFrame(this.#frame);
                this.#frame = 0;
                this.#live.seek(this.#wanted);
            }
            try {
                this.#live.run(command);
            } catch (error) {
                this.answer.textContent = String(error);
                this.answer.classList.add("wrong");
                return false;
            }
            this.#show();
            return true;
        }

        /** Returns the step that is shown, or that the next frame shows. */
        #next() {
            return this.#frame === 0 ? this.#live.step() : this.#wanted;
        }

        /** Shows a step. While the slider moves, the page is drawn once a frame. */
        #seek(step) {
            this.#wanted = Math.min(step, this.#live.steps());
            if (this.#frame === 0) {
                this.#frame = requestAnimationFrame(() => {
                    this.#frame = 0;
                    this.#live.seek(this.#wanted);
                    this.#show();
                });
            }
        }

        #show() {
            const [step, steps] = [this.#live.step(), this.#live.steps()];
            this.drawing.innerHTML = this.#live.draw();
            this.answer.textContent = step === 0 ? "Nothing has happened yet." : this.#live.event(step);
            this.answer.classList.remove("wrong");
            this.slider.max = String(steps);
            this.slider.value = String(step);
            this.slider.setAttribute("aria-valuetext", `${step} of ${steps}`);
            this.count.textContent = `Step ${step} of ${steps}`;
            const [from, to] = [Math.max(step - LOG_BEFORE, 1), Math.min(step + LOG_AFTER, steps)];
            const lines = [];
            for (let at = from; at <= to; at++) {
                const current = at === step ? { "aria-current": "step" } : {};
                const button = element("button", { type: "button", ...current, click: () => this.#seek(at) }, this.#live.event(at));
                lines.push(element("li", {}, button));
            }
            const hadFocus = this.log.contains(document.activeElement);
            this.log.start = from;
            this.log.replaceChildren(...lines);
            if (hadFocus) {
                this.log.querySelector("[aria-current]")?.focus();
            }
        }
    }

    customElements.define("redcore-live", LivePart);
})();
