# SPDX-License-Identifier: Apache-2.0
# The device code as plain lists, so that any build system can include them.
set(OTTER_SLOT_SOURCES
    slot/area.c slot/crc.c slot/image.c slot/journal.c slot/result.c slot/state.c slot/trailer.c)
set(OTTER_BOOT_SOURCES
    boot/boot.c boot/copy.c boot/plan.c boot/swap.c)
set(OTTER_AGENT_SOURCES
    agent/agent.c agent/body.c agent/date.c agent/download.c agent/head.c agent/http.c agent/install.c
    agent/job.c agent/job_phase.c agent/json.c agent/jws.c agent/names.c agent/patch.c agent/push.c agent/reboot.c agent/report.c agent/rollout.c
    agent/text.c agent/trial.c agent/url.c agent/verify.c agent/wait.c)
set(OTTER_DELTA_SOURCES
    delta/decode.c delta/expect.c delta/filter.c delta/header.c delta/map.c delta/model.c delta/source.c delta/thumb.c)
set(OTTER_PORT_MBEDTLS_SOURCES
    port/mbedtls/arena.c port/mbedtls/hooks.c port/mbedtls/tls.c port/mbedtls/tls_cause.c
    port/mbedtls/tls_config.c port/mbedtls/tls_session.c port/mbedtls/ecdsa_p256.c port/mbedtls/rsa_pss.c port/mbedtls/sha256.c)
set(OTTER_PORT_POSIX_SOURCES
    port/posix/tcp.c)
set(OTTER_PORT_LWIP_SOURCES
    port/lwip/tcp.c)
set(OTTER_PORT_SODIUM_SOURCES
    port/sodium/ed25519.c
    )
set(OTTER_PORT_TEMPLATE_SOURCES
    port/template/flash.c port/template/transport.c)
