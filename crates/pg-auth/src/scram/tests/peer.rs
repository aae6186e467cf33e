//! The client of rust-postgres, which shares no code with us.

use postgres_protocol::authentication::sasl;

use super::*;

#[track_caller]
fn log_in(
    verifier: &Verifier,
    binding: ChannelBinding,
    password: &[u8],
    mechanism: &str,
    client: sasl::ChannelBinding,
) -> Result<(), ScramError> {
    let mut client = sasl::ScramSha256::new(password, client);
    let mut server = exchange(Some(verifier), binding);
    let challenge = challenge(choose(&mut server, mechanism, Some(client.message())));
    client.update(&challenge).unwrap();
    match answer(&mut server, client.message())? {
        Reply::Final(data) => client.finish(&data).unwrap(),
        Reply::Continue(_) => panic!("the server asks for more than the proof"),
    }
    Ok(())
}

#[test]
fn another_implementation_completes_exchanges_with_and_without_channel_binding() {
    use sasl::ChannelBinding as Client;
    for password in [
        "pencil",
        "I\u{ad}X",
        "\u{2168}",
        "a\u{a0}b",
        "\u{7}",
        "\u{627}1",
        "pass,word=\"",
    ] {
        let verifier = Verifier::from_password(password.as_bytes(), Iterations::DEFAULT).unwrap();
        let password = password.as_bytes();
        let plain =
            |binding, client| log_in(&verifier, binding, password, sasl::SCRAM_SHA_256, client);
        assert_eq!(plain(ChannelBinding::NoTls, Client::unsupported()), Ok(()));
        assert_eq!(plain(ChannelBinding::NoTls, Client::unrequested()), Ok(()));
        assert_eq!(
            plain(ChannelBinding::Undefined, Client::unrequested()),
            Ok(())
        );
        assert_eq!(plain(tls(), Client::unsupported()), Ok(()));
        let plus = |hash| {
            let client = Client::tls_server_end_point(hash);
            log_in(&verifier, tls(), password, sasl::SCRAM_SHA_256_PLUS, client)
        };
        assert_eq!(plus(vec![0xc5; 32]), Ok(()));
        assert_eq!(plus(vec![0xc6; 32]), Err(ScramError::BindingMismatch));
    }
}
