// Echo, sink, source and echo of datagrams over Asio: over epoll, or over io_uring when it is built with Asio's macros for it.
//
// Each connection reads into a buffer of its own, and an echo writes all of it before it reads again. It stands on Boost.Asio, or on the same library without Boost where that one is
// the newer (see Makefile).
#ifdef ECHO_WITHOUT_BOOST
#include <asio.hpp>
namespace asio_errors = asio;
#define ECHO_LIBRARY "Asio"
#define ECHO_VERSION ASIO_VERSION
#if defined(ASIO_HAS_IO_URING_AS_DEFAULT)
#define ECHO_BACKEND "io_uring"
#endif
#else
#include <boost/asio.hpp>
#include <boost/version.hpp>
namespace asio = boost::asio;
namespace asio_errors = boost::system;
#define ECHO_LIBRARY "Boost " BOOST_LIB_VERSION ", Asio"
#define ECHO_VERSION BOOST_ASIO_VERSION
#if defined(BOOST_ASIO_HAS_IO_URING_AS_DEFAULT)
#define ECHO_BACKEND "io_uring"
#endif
#endif
#ifndef ECHO_BACKEND
#define ECHO_BACKEND "epoll"
#endif

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#define _Noreturn [[noreturn]]
extern "C" {
#include "cpattern.h"
#include "cserve.h"
}

namespace {

using tcp = asio::ip::tcp;
using udp = asio::ip::udp;
using local = asio::local::stream_protocol;
using error_code = asio_errors::error_code;
using executor = asio::io_context::executor_type;  // named, so that no call goes through a type-erased one

constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr int backlog = 4096;
constexpr auto accept_pause = std::chrono::milliseconds(100);

cserve_options options;
const std::uint8_t *pattern;  // of a source

template <class Protocol>
class connection : public std::enable_shared_from_this<connection<Protocol>> {
public:
    using socket = asio::basic_stream_socket<Protocol, executor>;

    explicit connection(socket peer) : peer_(std::move(peer)), buffer_(new char[buffer_bytes]) {}

    void start() {
        if (options.service == cserve_source) send();
        read();
    }

private:
    void read() {
        peer_.async_read_some(asio::buffer(buffer_.get(), buffer_bytes),
                              [self = this->shared_from_this()](error_code error, std::size_t count) {
                                  if (error) {
                                      self->peer_.close(error);  // a source may be sending
                                  } else if (options.service == cserve_echo) {
                                      self->write(count);
                                  } else {
                                      self->read();
                                  }
                              });
    }

    void write(std::size_t count) {
        asio::async_write(peer_, asio::buffer(buffer_.get(), count),
                          [self = this->shared_from_this()](error_code error, std::size_t) {
                              if (!error) self->read();
                          });
    }

    void send() {
        asio::async_write(peer_, asio::buffer(pattern + position_, options.message_bytes),
                          [self = this->shared_from_this()](error_code error, std::size_t count) {
                              self->position_ = (self->position_ + count) % cpattern_period;
                              if (!error) self->send();
                          });
    }

    socket peer_;
    std::unique_ptr<char[]> buffer_;
    std::size_t position_ = 0;  // in the pattern's period, of what a source sends next
};

template <class Protocol>
class server {
public:
    server(asio::io_context &context, const typename Protocol::endpoint &endpoint)
        : acceptor_(context), pause_(context) {
        acceptor_.open(endpoint.protocol());
        if constexpr (std::is_same_v<Protocol, tcp>) {
            acceptor_.set_option(tcp::acceptor::reuse_address(true));
            acceptor_.set_option(tcp::no_delay(true));  // accepted sockets inherit it
        }
        acceptor_.bind(endpoint);
        acceptor_.listen(backlog);
        accept();
    }

    int descriptor() { return acceptor_.native_handle(); }

private:
    using socket = typename connection<Protocol>::socket;

    void accept() {
        acceptor_.async_accept([this](error_code error, socket peer) {
            if (error == asio::error::operation_aborted) return;
            if (error == asio::error::no_descriptors) {  // it would fail again at once
                pause_.expires_after(accept_pause);
                pause_.async_wait([this](error_code error) {
                    if (!error) accept();
                });
                return;
            }
            if (!error) std::make_shared<connection<Protocol>>(std::move(peer))->start();
            accept();
        });
    }

    asio::basic_socket_acceptor<Protocol, executor> acceptor_;
    asio::steady_timer pause_;
};

class datagram_server {
public:
    datagram_server(asio::io_context &context, const udp::endpoint &endpoint) : socket_(context, endpoint) {
        socket_.non_blocking(true);
        receive();
    }

    int descriptor() { return socket_.native_handle(); }

private:
    void receive() {
        socket_.async_receive_from(asio::buffer(buffer_), source_, [this](error_code error, std::size_t count) {
            if (error == asio::error::operation_aborted) return;
            // What the socket does not take is dropped, as datagrams may be.
            error_code ignored;
            if (!error) socket_.send_to(asio::buffer(buffer_, count), source_, 0, ignored);
            receive();
        });
    }

    asio::basic_datagram_socket<udp, executor> socket_;
    udp::endpoint source_;
    std::array<char, buffer_bytes> buffer_;
};

template <class Server, class Endpoint>
void run(asio::io_context &context, const Endpoint &endpoint) {
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](error_code, int) { context.stop(); });
    Server server(context, endpoint);
    cserve_announce(server.descriptor(), &options);
    context.run();
    if (options.unix_path != nullptr) std::remove(options.unix_path);
}

}  // namespace

int main(int argc, char **argv) {
    if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
        std::printf("%s %d.%d.%d over %s\n", ECHO_LIBRARY, ECHO_VERSION / 100000, ECHO_VERSION / 100 % 1000,
                    ECHO_VERSION % 100, ECHO_BACKEND);
        return 0;
    }
    options = cserve_parse(argc, argv, nullptr, 0);
    pattern = cpattern_create(options.message_bytes);
    if (pattern == nullptr) cserve_fail("pattern", ENOMEM);
    cserve_raise_descriptor_limit();
    try {
        asio::io_context context(1);  // one thread will run it
        if (options.unix_path != nullptr) {
            if (options.service == cserve_udp_echo) cserve_fail(options.unix_path, EAFNOSUPPORT);
            run<server<local>>(context, local::endpoint(options.unix_path));
        } else {
            const auto port = static_cast<unsigned short>(std::atoi(options.port));
            const auto address = asio::ip::make_address(options.host);
            if (options.service == cserve_udp_echo) {
                run<datagram_server>(context, udp::endpoint(address, port));
            } else {
                run<server<tcp>>(context, tcp::endpoint(address, port));
            }
        }
    } catch (const std::exception &problem) {
        std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, problem.what());
        return 1;
    }
    return 0;
}
