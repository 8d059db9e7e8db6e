# Short names for `python3 -m devtools`, which does the work and needs no make. PYTHON=python3.11 chooses the Python.
.PHONY: help demo up test quick soak

help:
	@echo 'make demo   one video from a prompt, on this machine: PROMPT="..." DURATION=5 WIDTH=1280 HEIGHT=720'
	@echo 'make up     the local stack until Ctrl-C:             PORT=8000 STATE=.local RENDER_SECONDS=6 SETTINGS=file HOST=func'
	@echo 'make test   lint, types and all tests'
	@echo 'make quick  the tests that need no server'
	@echo 'make soak   longer trials, after make test:           SOAK_SECONDS=120 SEED=7'

# What was given reaches the shell through the environment, so that quotes and dollars in a prompt stay as typed.
ifneq ($(origin PROMPT),undefined)
override PROMPT := $(value PROMPT)
export PROMPT
endif
option = $(if $(filter undefined,$(origin $(1))),,--$(2) "$$$(1)")
# Some shells have a HOST of their own in the environment: only the one that is typed counts.
host = $(if $(filter command,$(origin HOST)),--host "$$HOST")
devtools = @exec "$${PYTHON:-python3}" -m devtools

demo:
	$(devtools) demo $(call option,PROMPT,prompt) $(call option,DURATION,duration) $(call option,WIDTH,width) $(call option,HEIGHT,height) $(call option,RENDER_SECONDS,render-seconds)

up:
	$(devtools) up $(call option,PORT,port) $(call option,STATE,state) $(call option,RENDER_SECONDS,render-seconds) $(call option,SETTINGS,settings) $(host)

test quick:
	$(devtools) $@

soak:
	$(devtools) soak $(call option,SOAK_SECONDS,seconds) $(call option,SEED,seed)
